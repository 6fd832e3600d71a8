-- Makes ARGV[1] the cursor's token, counts the claim, and reads what the new owner needs to know.
-- The same claim asked twice (its reply was lost) is one claim. A missing cursor stays missing.
--
-- KEYS  cursor, pending
-- Reply {} = no cursor; {fields and values, pending}
local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then
  if not string.find(fields.err, 'WRONGTYPE', 1, true) then return fields end
  return redis.error_reply('BADKEY holds another type (a hash was expected): ' .. KEYS[1])
end
if #fields == 0 then return {} end
local pending = redis.pcall('GET', KEYS[2])
if type(pending) == 'table' then
  if not string.find(pending.err, 'WRONGTYPE', 1, true) then return pending end
  return redis.error_reply('BADKEY holds another type (a string was expected): ' .. KEYS[2])
end
local stored = redis.call('HMGET', KEYS[1], 'token', 'claims')
if stored[1] ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'claims', (tonumber(stored[2] or '0') or 0) + 1, 'token', ARGV[1])
  fields = redis.call('HGETALL', KEYS[1])
end
return {fields, pending or ''}
