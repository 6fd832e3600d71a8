-- Reads the fields ARGV of every hash in KEYS: one flat reply, key by key, false for what is not there.
-- One call costs the client a tenth of as many pipelined HGETs.
local K, A, pcall = KEYS, ARGV, redis.pcall
local n, out = #A, {}
for i = 1, #K do
  for j = 1, n do
    local value = pcall('HGET', K[i], A[j])
    if type(value) == 'table' then
      if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
      return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. K[i])
    end
    out[#out + 1] = value
  end
end
return out
