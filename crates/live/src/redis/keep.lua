-- Keeps places, probes and what is set aside for another time to live. KEYS: one for each gate. ARGV: holder, time to live in ms, then the
-- gates' kinds, of which `place`, `hold` and `breaker` matter.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, ttl = ARGV[1], tonumber(ARGV[2])
local till = string.format('%.0f', now + ttl)
for gate = 1, #KEYS do
  local key, kind = KEYS[gate], ARGV[2 + gate]
  if kind == 'place' then
    if redis.call('ZADD', key, 'XX', 'CH', till, holder) > 0 then
      redis.call('PEXPIRE', key, ttl)
    end
  elseif kind == 'hold' then
    local held = redis.call('HGET', key .. ':held', holder)
    if held then
      redis.call('HSET', key .. ':held', holder, string.match(held, '^[^:]+') .. ':' .. till)
      redis.call('PEXPIRE', key .. ':held', ttl)
    end
  elseif kind == 'breaker' and redis.call('HGET', key, 'probe') == holder then
    redis.call('HSET', key, 'probe_until', till)
  end
end
