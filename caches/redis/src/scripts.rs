//! What the server does in one step. Each may be sent twice, where the first answer was lost, and does it once.

/// Takes the lock; the same holder's second try finds it taken by itself.
pub(crate) const LOCK: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0";

/// Gives the lock back, where it is still this holder's.
pub(crate) const UNLOCK: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Replaces version ARGV[1] (none: '') by ARGV[2] with the bytes ARGV[3], to expire in ARGV[4] ms (never: '0').
/// Where another version is there, it stays, and is the answer. What is replaced is kept at KEYS[2] for ARGV[5] ms
/// (not at all: '0'), without a moment in which nothing is there.
pub(crate) const SAVE: &str = "\
local there = redis.call('HGET', KEYS[1], 'v')
if there and there ~= ARGV[1] and there ~= ARGV[2] then return redis.call('HMGET', KEYS[1], 'v', 'b') end
if there == ARGV[1] and ARGV[5] ~= '0' then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'b', ARGV[3])
if ARGV[4] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return {}";

/// Moves what is there to KEYS[2], to expire there in ARGV[1] ms; tells whether it is there.
pub(crate) const SET_ASIDE: &str = "\
if redis.call('HGET', KEYS[1], 'v') and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
  return 1
end
return redis.call('EXISTS', KEYS[2])";
