-- Several requests, each for one go of several limits: all of its limits grant it, or none is charged.
-- KEYS: the limits' arrival times, then their pauses. ARGV, for each request: the number of its limits,
-- and for each of them the number of its key, interval and tolerance. All times are microseconds.
-- Returns for each request how long to wait, 0 when it was granted; how many more goes the tightest of its limits would
-- grant; and how long until that limit would grant its whole burst again.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = #KEYS / 2
local stored = count > 0 and redis.call('MGET', unpack(KEYS)) or {}
local arrival, paused, charged = {}, {}, {}
for key = 1, count do
  arrival[key] = tonumber(stored[key] or '0')
  paused[key] = tonumber(stored[count + key] or '0')
end

local answers, at = {}, 1
while at <= #ARGV do
  local last = at + 3 * ARGV[at]
  local wait = 0
  for limit = at + 1, last, 3 do
    local key, interval, tolerance = tonumber(ARGV[limit]), ARGV[limit + 1], ARGV[limit + 2]
    -- Further ahead it can only be if the clock was set back.
    arrival[key] = math.min(math.max(arrival[key], now), now + tolerance)
    wait = math.max(wait, arrival[key] + interval - tolerance - now, paused[key] - now)
  end
  if wait == 0 then
    for limit = at + 1, last, 3 do
      local key = tonumber(ARGV[limit])
      arrival[key] = arrival[key] + ARGV[limit + 1]
      charged[key] = true
    end
  end
  local left, reset = 4294967295, 0
  for limit = at + 1, last, 3 do
    local key, interval, tolerance = tonumber(ARGV[limit]), ARGV[limit + 1], ARGV[limit + 2]
    local goes = math.max(0, math.floor((now + tolerance - arrival[key]) / interval))
    if goes < left then
      left, reset = goes, arrival[key] - now
    end
  end
  answers[#answers + 1] = {wait, left, reset}
  at = last + 1
end

for key in pairs(charged) do
  local ttl = math.max(1, math.ceil((arrival[key] - now) / 1000))
  redis.call('SET', KEYS[key], string.format('%.0f', arrival[key]), 'PX', ttl)
end
return answers
