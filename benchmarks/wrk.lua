-- Sends the requests of a file in turn and prints one line of JSON at the end.
-- A line of the file: METHOD <tab> PATH <tab> CONTENT TYPE <tab> BODY; the Authorization header comes by wrk's -H.
local prepared, last = {}, 0

function init(args)
   for line in io.lines(args[1]) do
      local method, path, kind, body = line:match("^(%S+)\t(%S+)\t(%S*)\t(.*)$")
      local headers = {}
      for name, value in pairs(wrk.headers) do headers[name] = value end
      if body ~= "" then headers["Content-Type"] = kind else body = nil end
      prepared[#prepared + 1] = wrk.format(method, path, headers, body)
   end
end

function request()
   last = last % #prepared + 1
   return prepared[last]
end

function done(summary, latency, _)
   local e = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.3f, "p99_ms": %.3f, ' ..
      '"refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, summary.bytes,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000,
      e.status, e.connect + e.read + e.write + e.timeout))
end
