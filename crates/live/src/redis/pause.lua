-- KEYS: the pause. ARGV: its length in microseconds.
local time = redis.call('TIME')
local finish = time[1] * 1000000 + time[2] + ARGV[1]
if finish > tonumber(redis.call('GET', KEYS[1]) or '0') then
  local ttl = math.max(1, math.ceil(ARGV[1] / 1000))
  redis.call('SET', KEYS[1], string.format('%.0f', finish), 'PX', ttl)
end
