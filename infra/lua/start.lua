-- Creates the cursor KEYS[1] from ARGV[3…] (field, value, …) unless one stands; one whose token is ARGV[2] ("" = none) gives way.
-- Reply 1 = created (ARGV[1] is the token in it, so an earlier call whose reply was lost counts too), 0 = there was one
local token = redis.pcall('HGET', KEYS[1], 'token')
if type(token) == 'table' then
  if not string.find(token.err, 'WRONGTYPE', 1, true) then return token end
  return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. KEYS[1])
end
if token and token == ARGV[2] and token ~= '' then
  redis.call('DEL', KEYS[1])
elseif token and token == ARGV[1] and token ~= '' then
  return 1
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
