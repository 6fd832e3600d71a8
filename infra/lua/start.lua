-- Creates the cursor KEYS[1] from ARGV[2…] (field, value, …) unless it exists.
-- Reply 1 = created (ARGV[1] is the token in it, so an earlier call whose reply was lost counts too), 0 = there was one
local token = redis.pcall('HGET', KEYS[1], 'token')
if type(token) == 'table' then
  if not string.find(token.err, 'WRONGTYPE', 1, true) then return token end
  return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. KEYS[1])
end
if token == ARGV[1] then return 1 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
