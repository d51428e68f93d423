-- Orthanc sends every CT series to medfake once no more of it has come for `StableAge` seconds.
-- Results of medfake are no CT, so that nothing goes round in a circle.
function OnStableSeries(seriesId, tags, metadata)
  if tags['Modality'] == 'CT' then
    local job = {Resources = {seriesId}, Asynchronous = true}
    RestApiPost('/modalities/medfake/store', DumpJson(job, true), true)
  end
end
