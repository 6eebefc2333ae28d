-- Applies effects. KEYS: one for each. ARGV: holder, then for each effect its kind and six values: `shut` (ms),
-- `reopen`, `report` (1 worked, 0 failed, -1 not known; failures, window in ms, row, open in ms, longest in ms),
-- `add` (by, time to live in ms), `settle` (the same; what the holder has set aside is free), `raise` (to, time to live
-- in ms), `free`.
-- Returns for each effect 1 if it is the report to a breaker that is open now, else 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = ARGV[1]
local MEMORY, LATEST = 600000, 20

local function open(key, span, opened)
  redis.call('HDEL', key, 'latest', 'probe', 'probe_until')
  redis.call('HSET', key, 'open', string.format('%.0f', now + span), 'opened', opened)
  redis.call('PEXPIRE', key, span + MEMORY)
  return 1
end

local function report(key, worked, failures, window, row, first, longest)
  local breaker = redis.call('HMGET', key, 'open', 'opened', 'probe', 'latest')
  if breaker[1] then
    if breaker[3] ~= holder then
      return 1
    elseif worked == 1 then
      redis.call('DEL', key)
      return 0
    elseif worked == 0 then
      local opened = tonumber(breaker[2])
      return open(key, math.min(longest, first * 2 ^ math.min(opened, 20)), opened + 1)
    end
    redis.call('HDEL', key, 'probe', 'probe_until')
    return 1
  end
  if worked < 0 or (worked == 1 and not breaker[4]) then
    return 0
  end
  -- Outcomes as `+milliseconds` or `-milliseconds`, oldest first.
  local latest = {}
  for outcome in string.gmatch(breaker[4] or '', '[+-]%d+') do
    latest[#latest + 1] = outcome
  end
  latest[#latest + 1] = (worked == 1 and '+' or '-') .. string.format('%.0f', now)
  if #latest > LATEST then
    table.remove(latest, 1)
  end
  local recent, in_row, unbroken, all = 0, 0, true, 0
  for at = #latest, 1, -1 do
    local failed = string.sub(latest[at], 1, 1) == '-'
    unbroken = unbroken and failed
    if unbroken then
      in_row = in_row + 1
    end
    if tonumber(string.sub(latest[at], 2)) >= now - window then
      all = all + 1
      recent = recent + (failed and 1 or 0)
    end
  end
  if in_row >= row or (recent >= failures and recent * 3 >= all * 2) then
    return open(key, first, 1)
  end
  redis.call('HSET', key, 'latest', table.concat(latest, ' '))
  redis.call('PEXPIRE', key, MEMORY)
  return 0
end

local function add(key, by, ttl)
  redis.call('INCRBY', key, by)
  if redis.call('PTTL', key) < 0 then
    redis.call('PEXPIRE', key, ttl)
  end
end

local answers = {}
for effect = 1, #KEYS do
  local key, at = KEYS[effect], 2 + (effect - 1) * 7
  local kind, value, ttl = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  answers[effect] = 0
  if kind == 'shut' then
    if redis.call('PTTL', key) < tonumber(value) then
      redis.call('SET', key, 1, 'PX', value)
    end
  elseif kind == 'reopen' then
    redis.call('DEL', key)
  elseif kind == 'report' then
    answers[effect] = report(key, tonumber(value), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]),
      tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
  elseif kind == 'add' then
    add(key, value, ttl)
  elseif kind == 'settle' then
    redis.call('HDEL', key .. ':held', holder)
    if tonumber(value) ~= 0 then
      add(key, value, ttl)
    end
  elseif kind == 'raise' then
    local missing = tonumber(value) - tonumber(redis.call('GET', key) or '0')
    if missing > 0 then
      add(key, string.format('%.0f', missing), ttl)
    end
  elseif kind == 'free' then
    redis.call('ZREM', key, holder)
  end
end
return answers
