"""The networks of keras.applications, by one table; the input is taken as it comes.

Input contracts: "raw" 0..255 with scaling inside the network, "tf" -1..1, "torch" ImageNet mean and deviation taken
out, "caffe" BGR without ImageNet mean, about -124..152.
"""

from functools import partial
from typing import Any, Final, NamedTuple

from medfake.detectors.backbone.spec import BackboneSpec, Contract
from medfake.detectors.registry import DETECTORS

_KERNELS: Final = "_weights_tf_dim_ordering_tf_kernels_notop.h5"


class Application(NamedTuple):
    """What is known of a network before it is built.

    Attributes:
        contract: Input range.
        feature_width: Channels after global average pooling.
        gradcam_layer: Whose maps Grad-CAM weighs.
        imagenet_file: No-top ImageNet weights in Keras' cache.
        parameters: Weights without top; tests count them again.
        paper: That has it and prints figures, "" for none; the first where several have.
    """

    contract: Contract
    feature_width: int
    gradcam_layer: str
    imagenet_file: str
    parameters: int
    paper: str = ""


# name of the function in keras.applications, which is the detector's -> facts
APPLICATIONS: Final[dict[str, Application]] = {
    # DenseNet (Huang et al. 2017)
    "DenseNet121": Application("torch", 1024, "relu", f"densenet121{_KERNELS}", 7_037_504, "alsabbagh"),
    "DenseNet169": Application("torch", 1664, "relu", f"densenet169{_KERNELS}", 12_642_880, "alsabbagh"),
    "DenseNet201": Application("torch", 1920, "relu", f"densenet201{_KERNELS}", 18_321_984, "alsabbagh"),
    # EfficientNet (Tan and Le 2019, 2021)
    "EfficientNetB0": Application("raw", 1280, "top_activation", "efficientnetb0_notop.h5", 4_049_571),
    "EfficientNetB1": Application("raw", 1280, "top_activation", "efficientnetb1_notop.h5", 6_575_239),
    "EfficientNetB2": Application("raw", 1408, "top_activation", "efficientnetb2_notop.h5", 7_768_569),
    "EfficientNetB3": Application("raw", 1536, "top_activation", "efficientnetb3_notop.h5", 10_783_535),
    "EfficientNetB4": Application("raw", 1792, "top_activation", "efficientnetb4_notop.h5", 17_673_823, "alsabbagh"),
    "EfficientNetB5": Application("raw", 2048, "top_activation", "efficientnetb5_notop.h5", 28_513_527),
    "EfficientNetB6": Application("raw", 2304, "top_activation", "efficientnetb6_notop.h5", 40_960_143),
    "EfficientNetB7": Application("raw", 2560, "top_activation", "efficientnetb7_notop.h5", 64_097_687),
    "EfficientNetV2B0": Application("raw", 1280, "top_activation", "efficientnetv2-b0_notop.h5", 5_919_312),
    "EfficientNetV2B1": Application("raw", 1280, "top_activation", "efficientnetv2-b1_notop.h5", 6_931_124),
    "EfficientNetV2B2": Application("raw", 1408, "top_activation", "efficientnetv2-b2_notop.h5", 8_769_374),
    "EfficientNetV2B3": Application("raw", 1536, "top_activation", "efficientnetv2-b3_notop.h5", 12_930_622),
    "EfficientNetV2L": Application("raw", 1280, "top_activation", "efficientnetv2-l_notop.h5", 117_746_848),
    "EfficientNetV2M": Application("raw", 1280, "top_activation", "efficientnetv2-m_notop.h5", 53_150_388),
    "EfficientNetV2S": Application("raw", 1280, "top_activation", "efficientnetv2-s_notop.h5", 20_331_360, "alsabbagh"),
    # Inception (Szegedy et al. 2016, 2017)
    "InceptionResNetV2": Application("tf", 1536, "conv_7b_ac", f"inception_resnet_v2{_KERNELS}", 54_336_736),
    "InceptionV3": Application("tf", 2048, "mixed10", f"inception_v3{_KERNELS}", 21_802_784, "alsabbagh"),
    # MobileNet (Howard et al. 2017, 2019, Sandler et al. 2018)
    "MobileNet": Application("tf", 1024, "conv_pw_13_relu", "mobilenet_1_0_224_tf_no_top.h5", 3_228_864),
    "MobileNetV2": Application(
        "tf", 1280, "out_relu", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", 2_257_984, "shree",
    ),
    "MobileNetV3Large": Application(
        "raw", 960, "conv_1_bn", "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5", 2_996_352, "alsabbagh",
    ),
    "MobileNetV3Small": Application(
        "raw", 576, "conv_1_bn", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5", 939_120,
    ),
    # ResNet (He et al. 2016)
    "ResNet50": Application("caffe", 2048, "conv5_block3_out", f"resnet50{_KERNELS}", 23_587_712, "shree"),
    "ResNet101": Application("caffe", 2048, "conv5_block3_out", f"resnet101{_KERNELS}", 42_658_176, "solaiyappan"),
    "ResNet152": Application("caffe", 2048, "conv5_block3_out", f"resnet152{_KERNELS}", 58_370_944),
    "ResNet50V2": Application("tf", 2048, "post_relu", f"resnet50v2{_KERNELS}", 23_564_800, "alsabbagh"),
    "ResNet101V2": Application("tf", 2048, "post_relu", f"resnet101v2{_KERNELS}", 42_626_560),
    "ResNet152V2": Application("tf", 2048, "post_relu", f"resnet152v2{_KERNELS}", 58_331_648),
    # VGG (Simonyan and Zisserman 2015)
    "VGG16": Application("caffe", 512, "block5_conv3", f"vgg16{_KERNELS}", 14_714_688),
    "VGG19": Application("caffe", 512, "block5_conv4", f"vgg19{_KERNELS}", 20_024_384, "alsabbagh"),
    # Xception (Chollet 2017)
    "Xception": Application("tf", 2048, "block14_sepconv2_act", f"xception{_KERNELS}", 20_861_480, "alsabbagh"),
    # ConvNeXt (Liu et al. 2022)
    "ConvNeXtTiny": Application(
        "raw", 768, "convnext_tiny_stage_3_block_2_identity", "convnext_tiny_notop.h5", 27_820_128, "alsabbagh",
    ),
    "ConvNeXtSmall": Application(
        "raw", 768, "convnext_small_stage_3_block_2_identity", "convnext_small_notop.h5", 49_454_688,
    ),
    "ConvNeXtBase": Application(
        "raw", 1024, "convnext_base_stage_3_block_2_identity", "convnext_base_notop.h5", 87_566_464,
    ),
    "ConvNeXtLarge": Application(
        "raw", 1536, "convnext_large_stage_3_block_2_identity", "convnext_large_notop.h5", 196_230_336,
    ),
    "ConvNeXtXLarge": Application(
        "raw", 2048, "convnext_xlarge_stage_3_block_2_identity", "convnext_xlarge_notop.h5", 348_147_968,
    ),
}  # fmt: skip


def application(name: str, input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Build a network of keras.applications without its top.

    Args:
        name: Of its function there.
        input_shape: (rows, cols, 3).
        weights: A no-top weights file, None for random weights.

    Returns:
        Keras model, (slices, rows, cols, 3) in the range of its contract -> maps.
    """
    import keras

    return getattr(keras.applications, name)(input_shape=input_shape, include_top=False, weights=weights)


for _name, _facts in APPLICATIONS.items():
    _spec = BackboneSpec(name=_name, build=partial(application, _name), **_facts._asdict())
    DETECTORS.add(_name, _spec, application)
