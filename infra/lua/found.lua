-- Creates the hash KEYS[1] from ARGV (field, value, …) unless it exists, and reads the one that stands.
-- Reply its fields and values; {} = there is none (and ARGV was empty)
local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then
  if not string.find(fields.err, 'WRONGTYPE', 1, true) then return fields end
  return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. KEYS[1])
end
if #fields == 0 and #ARGV > 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV))
  fields = redis.call('HGETALL', KEYS[1])
end
return fields
