-- One partition's fenced apply. Lua does not roll back, so everything that can fail is looked at before
-- the first write: the fence, the number of arguments, the type of every key. `next` is written last.
--
-- KEYS  cursor, pending, one per row, one per command
-- ARGV  token, incarnation, start, end, pending, n rows, n row fields, n cursor arguments, n commands,
--       the row fields' names, the cursor's fields and values, each row's values,
--       then per command: verb, n arguments, the arguments
-- Reply 1 = written; {token, next, incarnation} = refused; BADKEY/BADCALL = nothing was written either.
local K, A = KEYS, ARGV
local call, pcall = redis.call, redis.pcall
local n_rows, n_fields, n_cursor, n_commands = tonumber(A[6]), tonumber(A[7]), tonumber(A[8]), tonumber(A[9])

local function bad(key, reply)
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    return redis.error_reply('BADKEY holds another type (a hash or a string was expected): ' .. key)
  end
  return reply
end

local stored = pcall('HMGET', K[1], 'token', 'next', 'incarnation')
if stored.err then return bad(K[1], stored) end
if stored[1] ~= A[1] or stored[2] ~= A[3] or stored[3] ~= A[2] then
  return {stored[1] or '', stored[2] or '', stored[3] or ''}
end

local row_names = 9
local cursor_at = row_names + n_fields
local rows_at = cursor_at + n_cursor + 1
local commands_at = rows_at + n_rows * n_fields
if #K ~= 2 + n_rows + n_commands or n_cursor % 2 ~= 0 or (n_rows > 0 and n_fields == 0) then
  return redis.error_reply('BADCALL keys or arguments do not add up: ' .. K[1])
end

-- HLEN and STRLEN answer a number for the right type or none, an error for a wrong one, and copy nothing.
for i = 3, 2 + n_rows do
  local reply = pcall('HLEN', K[i])
  if type(reply) == 'table' then return bad(K[i], reply) end
end
local reply = pcall('STRLEN', K[2])
if type(reply) == 'table' then return bad(K[2], reply) end

local function countable(text)
  local number = string.match(text, '^%-?%d+$') and tonumber(text)
  return number and number > -2 ^ 53 and number < 2 ^ 53
end

local at = commands_at
for i = 1, n_commands do
  local key, verb, n = K[2 + n_rows + i], A[at], tonumber(A[at + 1])
  local fits = n and ((verb == 'HSET' and n >= 2 and n % 2 == 0) or (verb == 'SET' and n == 1) or (verb == 'DEL' and n == 0)
    or (verb == 'HINCRBY' and n == 2 and A[at + 3] and countable(A[at + 3])))
  if not fits then return redis.error_reply('BADCALL a command does not add up: ' .. key) end
  local reply = 0
  if verb == 'SET' then reply = pcall('STRLEN', key) elseif verb ~= 'DEL' then reply = pcall('HLEN', key) end
  if type(reply) == 'table' then return bad(key, reply) end
  if verb == 'HINCRBY' and not countable(call('HGET', key, A[at + 2]) or '0') then
    return redis.error_reply('BADKEY field ' .. A[at + 2] .. ' does not hold a number: ' .. key)
  end
  at = at + 2 + n
end
if at ~= #A + 1 then return redis.error_reply('BADCALL keys or arguments do not add up: ' .. K[1]) end

-- From here on nothing fails, except for a lack of memory, which Redis finds out at the first write only.
at = rows_at
if n_fields == 3 then
  local f, g, h = A[row_names + 1], A[row_names + 2], A[row_names + 3]
  for i = 3, 2 + n_rows do
    call('HSET', K[i], f, A[at], g, A[at + 1], h, A[at + 2])
    at = at + 3
  end
elseif n_fields == 2 then
  local f, g = A[row_names + 1], A[row_names + 2]
  for i = 3, 2 + n_rows do
    call('HSET', K[i], f, A[at], g, A[at + 1])
    at = at + 2
  end
else
  for i = 3, 2 + n_rows do
    local pairs_ = {}
    for j = 1, n_fields do
      pairs_[2 * j - 1], pairs_[2 * j] = A[row_names + j], A[at]
      at = at + 1
    end
    call('HSET', K[i], unpack(pairs_))
  end
end

at = commands_at
for i = 1, n_commands do
  local key, verb, n = K[2 + n_rows + i], A[at], tonumber(A[at + 1])
  if verb == 'HSET' then
    -- in slices: Lua's stack holds some 8,000 arguments
    for first = at + 2, at + 1 + n, 4000 do
      call('HSET', key, unpack(A, first, math.min(first + 3999, at + 1 + n)))
    end
  elseif verb == 'SET' then
    call('SET', key, A[at + 2])
  elseif verb == 'DEL' then
    call('DEL', key)
  else
    call('HINCRBY', key, A[at + 2], A[at + 3])
  end
  at = at + 2 + n
end

if A[5] == '' then call('DEL', K[2]) else call('SET', K[2], A[5]) end
local cursor = {}
for i = 1, n_cursor do cursor[i] = A[cursor_at + i] end
cursor[n_cursor + 1], cursor[n_cursor + 2] = 'claims', '0'
cursor[n_cursor + 3], cursor[n_cursor + 4] = 'next', A[4]
call('HSET', K[1], unpack(cursor))
return 1
