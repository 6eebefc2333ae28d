-- Passes all gates or none. KEYS: one for each gate. ARGV: holder, time to live of places and probes in ms; then for
-- each gate its kind and three numbers: `open` (nothing), `breaker` (nothing), `count` (by, most or -1, time to live in
-- ms), `hold` (the same), `place` (most). What is set aside of a counter is a hash beside it: holder to `amount:until`.
-- Returns {0, whether the holder probes}, or the number of the first gate that refuses (from 1) and a wait in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, ttl = ARGV[1], tonumber(ARGV[2])
local probes = {}

local function refusal(gate, key, kind, first, second, third)
  if kind == 'open' then
    local left = redis.call('PTTL', key)
    return left > 0 and left
  elseif kind == 'breaker' then
    local breaker = redis.call('HMGET', key, 'open', 'probe', 'probe_until')
    if not breaker[1] then
      return false
    end
    local open = tonumber(breaker[1])
    if open > now then
      return open - now
    end
    local till = tonumber(breaker[3] or '0')
    if breaker[2] and breaker[2] ~= holder and till > now then
      return math.min(1000, till - now)
    end
    probes[gate] = true
    return false
  elseif kind == 'count' then
    if second < 0 then
      return false
    end
    local value = tonumber(redis.call('GET', key) or '0')
    if value >= second or value + first > second then
      return math.max(1, redis.call('PTTL', key))
    end
    return false
  elseif kind == 'hold' then
    if second < 0 then
      return false
    end
    local value = tonumber(redis.call('GET', key) or '0')
    if value >= second or value + first > second then
      local left = redis.call('PTTL', key)
      return left > 0 and left or third
    end
    local held = redis.call('HGETALL', key .. ':held')
    for at = 1, #held, 2 do
      local by, till = string.match(held[at + 1], '^(%-?%d+):(%d+)$')
      if tonumber(till) <= now then
        redis.call('HDEL', key .. ':held', held[at])
      elseif held[at] ~= holder then
        value = value + tonumber(by)
      end
    end
    return value + first > second and 250
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZSCORE', key, holder) or redis.call('ZCARD', key) < first then
    return false
  end
  return 50
end

for gate = 1, #KEYS do
  local at = 3 + (gate - 1) * 4
  local wait = refusal(gate, KEYS[gate], ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]),
    tonumber(ARGV[at + 3]))
  if wait then
    return {gate, wait}
  end
end

local probing = 0
for gate = 1, #KEYS do
  local key, at = KEYS[gate], 3 + (gate - 1) * 4
  local kind = ARGV[at]
  if probes[gate] then
    probing = 1
    redis.call('HSET', key, 'probe', holder, 'probe_until', string.format('%.0f', now + ttl))
  elseif kind == 'count' then
    redis.call('INCRBY', key, ARGV[at + 1])
    if redis.call('PTTL', key) < 0 then
      redis.call('PEXPIRE', key, ARGV[at + 3])
    end
  elseif kind == 'hold' then
    if tonumber(ARGV[at + 2]) >= 0 then
      redis.call('HSET', key .. ':held', holder, ARGV[at + 1] .. ':' .. string.format('%.0f', now + ttl))
      redis.call('PEXPIRE', key .. ':held', ttl)
    end
  elseif kind == 'place' then
    redis.call('ZADD', key, string.format('%.0f', now + ttl), holder)
    redis.call('PEXPIRE', key, ttl)
  end
end
return {0, probing}
