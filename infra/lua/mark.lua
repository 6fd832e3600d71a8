-- Sets the field ARGV[2] of the hash KEYS[1] to ARGV[3] while its incarnation is ARGV[1]: after a flush there is nothing to mark.
-- Reply 1 = set, 0 = another incarnation or none
local stored = redis.pcall('HGET', KEYS[1], 'incarnation')
if type(stored) == 'table' then
  if not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end
  return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. KEYS[1])
end
if stored ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
