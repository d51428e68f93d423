"""What a report says, as the content tree of TID 1500 (PS3.16): the observer, the scan, its sites, limits."""

from collections.abc import Iterator

import numpy as np
from highdicom import sr
from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from medfake import __version__
from medfake.metrics.scans import Verdict
from medfake.package.scan_scores import Site
from medfake.pacs.results.codes import (
    ARTIFICIAL_INTELLIGENCE,
    FINDINGS,
    NO_UNITS,
    PROBABILITY,
    PROCEDURES,
    QUALITATIVE_EVALUATIONS,
    VERDICTS,
    Private,
    site_code,
)
from medfake.pacs.results.geometry import Disc
from medfake.pacs.results.judgement import Judgement
from medfake.pacs.results.objects import MANUFACTURER, MODEL, RESEARCH_USE, Basis, detector_version
from medfake.pacs.results.regions import RADIUS_MM
from medfake.pacs.results.segmentation import site_name
from medfake.pacs.results.source import ImageReference
from medfake.pacs.results.uids import derived_uid
from medfake.pacs.results.values import long_string
from medfake.vocabulary import Modality

SiteGroup = PlanarROIMeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations


def report_content(basis: Basis, segmentation: ImageReference | None) -> Dataset:
    """The root container of the report.

    Args:
        basis: Of the results.
        segmentation: In which each site is a segment; None where there is none.
    """
    judgement = basis.judgement
    sites = [_site_group(basis, number, site, segmentation) for number, site in enumerate(judgement.sites, start=1)]
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(judgement)),
        procedure_reported=PROCEDURES[judgement.scored.series.modality],
        imaging_measurements=[_scan_group(basis), *sites],
    )
    root = report[0]
    root.ContentSequence.append(_texts(judgement))
    content = Dataset()
    content.update(root)
    return content


def _observer(judgement: Judgement) -> ObserverContext:
    """TID 1004: the device is medfake with this package."""
    device = DeviceObserverIdentifyingAttributes(
        uid=derived_uid("medfake device", judgement.package_sha256),
        name=f"medfake {__version__}",
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=judgement.package_sha256,
    )
    return ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)


def _parameters(judgement: Judgement) -> list[str]:
    """The thresholds that were used, and what the detector's figures are worth."""
    card = judgement.model.card
    return [
        *judgement.thresholds(),
        f"package sha256 {judgement.package_sha256}",
        f"data set sha256 {card.dataset_sha256}",
        f"evidence {card.evidence}: {card.evidence.sentence}",
    ]


def _algorithm(judgement: Judgement, parameters: list[str] | None = None) -> AlgorithmIdentification:
    """TID 4019."""
    return AlgorithmIdentification(
        name=judgement.model.card.detector,
        version=detector_version(judgement),
        parameters=parameters,
        family=ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )


def _scan_group(basis: Basis) -> MeasurementsAndQualitativeEvaluations:
    """TID 1501: P, verdict and findings of the scan, and all files that they are of.

    Whoever searches for findings must not be given scans without one, so that only a positive verdict has the positive.
    """
    judgement = basis.judgement
    verdict = VERDICTS[Verdict(judgement.verdict.verdict)]
    evaluations = [QualitativeEvaluation(Private.AUTHENTICITY.code, verdict.code)]
    evaluations += [QualitativeEvaluation(Private.FINDING.code, FINDINGS[one].code) for one in judgement.findings]
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(basis.uids.tracking("scan"), "medfake scan"),
        finding_type=(Private.TAMPERING if judgement.suspects else Private.AUTHENTICITY).code,
        algorithm_id=_algorithm(judgement, _parameters(judgement)),
        measurements=[_probability(judgement.verdict.p_tampered)],
        qualitative_evaluations=evaluations,
        source_images=[
            sr.SourceImageForMeasurementGroup(image.sop_class, image.sop_uid, image.listed)
            for image in basis.source.instances
        ],
    )


def _probability(p: float) -> Measurement:
    """TID 300; at most 16 characters of a Decimal String."""
    return Measurement(name=PROBABILITY, value=round(p, 6), unit=NO_UNITS)


def _site_group(basis: Basis, number: int, site: Site, segmentation: ImageReference | None) -> SiteGroup:
    """TID 1411 with a region of the patient, or TID 1410 with one of the image where there is no such space."""
    name = site_name(number)
    tracking = TrackingIdentifier(basis.uids.tracking(name), name)
    finding, measured = site_code(basis.judgement), [_probability(site.p)]
    algorithm = _algorithm(basis.judgement)
    image = basis.source.images[site.slice_index]
    if not basis.source.headers[0].modality.is_stack or not (segmentation or basis.source.frame_of_reference):
        return PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking, referenced_region=_circle(basis, site, image), finding_type=finding, algorithm_id=algorithm,
            measurements=measured,
        )  # fmt: skip
    segment = None
    if segmentation:
        segment = sr.ReferencedSegment(
            segmentation.sop_class, segmentation.sop_uid, number,
            source_series=sr.SourceSeriesForSegmentation(image.series_uid),
        )  # fmt: skip
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking, referenced_segment=segment, referenced_volume_surface=None if segment else _ball(basis, site, image),
        finding_type=finding, algorithm_id=algorithm, measurements=measured,
    )  # fmt: skip


def _circle(basis: Basis, site: Site, image: ImageReference) -> sr.ImageRegion:
    """A circle, or an ellipse where pixels are no squares, in columns and rows of the image."""
    disc = Disc(site.slice_index, site.y, site.x, RADIUS_MM)
    points = basis.source.geometry.outline(disc)
    _, cols = basis.source.geometry.shape
    if len(points) == 2 and points[0, 0] > cols / 2:
        points[1, 0] = 2 * points[0, 0] - points[1, 0]  # the point to the left, within the image, if any
    kind = sr.GraphicTypeValues.CIRCLE if len(points) == 2 else sr.GraphicTypeValues.ELLIPSE
    return sr.ImageRegion(kind, points, sr.SourceImageForRegion(image.sop_class, image.sop_uid, image.listed))


def _ball(basis: Basis, site: Site, image: ImageReference) -> sr.VolumeSurface:
    """End points of three axes of an ellipsoid, mm in the frame of reference."""
    centre = basis.source.geometry.to_patient(site.slice_index, site.y, site.x)
    ends = [centre + sign * RADIUS_MM * axis for axis in np.eye(3) for sign in (-1, 1)]
    return sr.VolumeSurface(
        sr.GraphicTypeValues3D.ELLIPSOID, np.array(ends), basis.source.frame_of_reference,
        source_series=sr.SourceSeriesForSegmentation(image.series_uid),
    )  # fmt: skip


def _texts(judgement: Judgement) -> sr.ContainerContentItem:
    """Rows 12 and 14 of TID 1500: what cannot be said in codes."""
    container = sr.ContainerContentItem(QUALITATIVE_EVALUATIONS, relationship_type=sr.RelationshipTypeValues.CONTAINS)
    container.ContentSequence = sr.ContentSequence(
        [sr.TextContentItem(term.code, text, sr.RelationshipTypeValues.CONTAINS) for term, text in _said(judgement)]
    )
    return container


def _stack(judgement: Judgement) -> str:
    """Of a series with several planes or contrasts each is a scan, with a report of its own."""
    series = judgement.scored.series
    contrast = series.headers[0].contrast.said if series.modality is Modality.MR else ""
    count = f"{len(judgement.scored.headers)} of {len(series.headers)} images"
    return ", ".join(word for word in (series.plane, long_string(contrast), count) if word)


def _said(judgement: Judgement) -> Iterator[tuple[Private, str]]:
    yield Private.INTENDED_USE, f"{RESEARCH_USE} {judgement.model.card.intended_use}"
    yield Private.STACK, _stack(judgement)
    if judgement.thresholds_from:
        yield Private.THRESHOLDS, judgement.thresholds_from
    if judgement.synthetic:
        yield Private.SYNTHETIC, f"The scan is none of a patient, or was altered by medfake: {judgement.synthetic}"
    for warning in judgement.verdict.warnings:
        yield Private.LIMITATION, warning
    headers = judgement.scored.series.headers
    for copy in judgement.scored.scores.copies:
        places = [
            f"slice {headers.index(judgement.scored.headers[place.slice_index]) + 1} y {place.y:.0f} x {place.x:.0f}"
            for place in (copy.one, copy.other)
        ]
        yield Private.COPIED_TISSUE, f"{places[0]} and {places[1]}; {copy.pairs} spots of noise agree"
