//! The commands of the small Redis server, each as Redis documents it.
//!
//! Called by `server` with one request at a time; works on the `keyspace`.

use std::{collections::VecDeque, time::Duration};

use super::{
    keyspace::{Keyspace, Life, Stored},
    wire::Reply,
};

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

type Arguments<'a> = &'a [Vec<u8>];
type Answer = Result<Reply, String>;

/// Runs one command. An unknown one, or one with wrong arguments, is answered with an error as Redis words it.
pub(super) fn run(keys: &mut Keyspace, request: Arguments<'_>) -> Reply {
    let Some((name, arguments)) = request.split_first() else { return Reply::Error("ERR empty command".into()) };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    answer(keys, &name, arguments).unwrap_or_else(Reply::Error)
}

fn answer(keys: &mut Keyspace, name: &str, arguments: Arguments<'_>) -> Answer {
    match (name, arguments) {
        ("PING", []) => Ok(Reply::Simple("PONG")),
        ("PING" | "ECHO", [text]) => Ok(Reply::bulk(text.clone())),
        ("SELECT", [index]) if index == b"0" => Ok(Reply::Simple("OK")),
        ("SELECT", [_]) => Err("ERR DB index is out of range".into()),
        ("CLIENT", [..]) => Ok(Reply::Simple("OK")),
        ("HELLO", [..]) => Err("NOPROTO unsupported protocol version".into()),
        ("SET", [key, value, options @ ..]) => set(keys, key, value, options),
        ("SETEX", [key, seconds, value]) => set(keys, key, value, &[b"EX".to_vec(), seconds.clone()]),
        ("GET", [key]) => get(keys, key),
        ("DEL", [_, ..]) => Ok(count(arguments, |key| keys.remove(key))),
        ("EXISTS", [_, ..]) => Ok(count(arguments, |key| keys.get(key).is_some())),
        ("INCR", [key]) => add(keys, key, 1),
        ("DECR", [key]) => add(keys, key, -1),
        ("INCRBY", [key, by]) => add(keys, key, integer(by)?),
        ("EXPIRE", [key, seconds]) => Ok(truth(keys.expire(key, seconds_of(seconds)?))),
        ("PEXPIRE", [key, millis]) => Ok(truth(keys.expire(key, millis_of(millis)?))),
        ("TTL", [key]) => Ok(life(&keys.life(key), |left| left.as_millis().div_ceil(1000) as i64)),
        ("PTTL", [key]) => Ok(life(&keys.life(key), |left| left.as_millis() as i64)),
        ("HSET", [key, pairs @ ..]) if !pairs.is_empty() && pairs.len() % 2 == 0 => hash_set(keys, key, pairs),
        ("HGET", [key, field]) => hash_get(keys, key, field),
        ("HGETALL", [key]) => hash_all(keys, key),
        ("LPUSH", [key, values @ ..]) if !values.is_empty() => push(keys, key, values, VecDeque::push_front),
        ("RPUSH", [key, values @ ..]) if !values.is_empty() => push(keys, key, values, VecDeque::push_back),
        ("LPOP", [key]) => pop(keys, key, VecDeque::pop_front),
        ("RPOP", [key]) => pop(keys, key, VecDeque::pop_back),
        ("LLEN", [key]) => list_length(keys, key),
        _ if KNOWN.contains(&name) => Err(format!("ERR wrong number of arguments for '{}' command", name.to_ascii_lowercase())),
        _ => Err(format!("ERR unknown command '{name}'")),
    }
}

const KNOWN: [&str; 24] = [
    "PING", "ECHO", "SELECT", "SET", "SETEX", "GET", "DEL", "EXISTS", "INCR", "DECR", "INCRBY", "EXPIRE", "PEXPIRE", "TTL",
    "PTTL", "HSET", "HGET", "HGETALL", "LPUSH", "RPUSH", "LPOP", "RPOP", "LLEN", "BRPOP",
];

/// What of `BRPOP key… timeout` can be had at once; `None` when every list is empty.
pub(super) fn pop_any(keys: &mut Keyspace, lists: Arguments<'_>) -> Option<Reply> {
    lists.iter().find_map(|key| match pop(keys, key, VecDeque::pop_back) {
        Ok(Reply::Bulk(value)) => Some(Reply::Array(vec![Reply::bulk(key.clone()), Reply::Bulk(value)])),
        Ok(_) => None,
        Err(message) => Some(Reply::Error(message)),
    })
}

#[derive(Default)]
struct SetOptions {
    life: Option<Duration>,
    only_new: bool,
    only_existing: bool,
}

fn set_options(mut words: Arguments<'_>) -> Result<SetOptions, String> {
    let mut options = SetOptions::default();
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        match word.to_ascii_uppercase().as_slice() {
            b"NX" => options.only_new = true,
            b"XX" => options.only_existing = true,
            unit @ (b"EX" | b"PX") if options.life.is_none() => {
                let (amount, rest) = words.split_first().ok_or(SYNTAX)?;
                words = rest;
                options.life = Some(if unit == b"EX" { seconds_of(amount)? } else { millis_of(amount)? });
            }
            _ => return Err(SYNTAX.into()),
        }
    }
    if options.only_new && options.only_existing {
        return Err(SYNTAX.into());
    }
    if options.life == Some(Duration::ZERO) {
        return Err("ERR invalid expire time in 'set' command".into());
    }
    Ok(options)
}

fn set(keys: &mut Keyspace, key: &[u8], value: &[u8], options: Arguments<'_>) -> Answer {
    let options = set_options(options)?;
    let exists = keys.get(key).is_some();
    if (options.only_new && exists) || (options.only_existing && !exists) {
        return Ok(Reply::Nil);
    }
    keys.set(key, Stored::Text(value.to_vec()), options.life);
    Ok(Reply::Simple("OK"))
}

fn get(keys: &mut Keyspace, key: &[u8]) -> Answer {
    match keys.get(key) {
        None => Ok(Reply::Nil),
        Some(Stored::Text(value)) => Ok(Reply::bulk(value.clone())),
        Some(_) => Err(WRONG_TYPE.into()),
    }
}

fn add(keys: &mut Keyspace, key: &[u8], by: i64) -> Answer {
    let Stored::Text(value) = keys.get_or_insert(key, || Stored::Text(b"0".to_vec())) else { return Err(WRONG_TYPE.into()) };
    let sum = integer(value)?.checked_add(by).ok_or("ERR increment or decrement would overflow")?;
    *value = sum.to_string().into_bytes();
    Ok(Reply::Integer(sum))
}

fn hash_set(keys: &mut Keyspace, key: &[u8], pairs: Arguments<'_>) -> Answer {
    let Stored::Hash(fields) = keys.get_or_insert(key, || Stored::Hash(std::collections::HashMap::new())) else {
        return Err(WRONG_TYPE.into());
    };
    let added = pairs.chunks_exact(2).filter(|pair| fields.insert(pair[0].clone(), pair[1].clone()).is_none()).count();
    Ok(Reply::Integer(added as i64))
}

fn hash_get(keys: &mut Keyspace, key: &[u8], field: &[u8]) -> Answer {
    match keys.get(key) {
        None => Ok(Reply::Nil),
        Some(Stored::Hash(fields)) => Ok(fields.get(field).map_or(Reply::Nil, |value| Reply::bulk(value.clone()))),
        Some(_) => Err(WRONG_TYPE.into()),
    }
}

fn hash_all(keys: &mut Keyspace, key: &[u8]) -> Answer {
    match keys.get(key) {
        None => Ok(Reply::Array(Vec::new())),
        Some(Stored::Hash(fields)) => Ok(Reply::Array(
            fields.iter().flat_map(|(field, value)| [field, value]).map(|text| Reply::bulk(text.clone())).collect(),
        )),
        Some(_) => Err(WRONG_TYPE.into()),
    }
}

fn push(keys: &mut Keyspace, key: &[u8], values: Arguments<'_>, end: fn(&mut VecDeque<Vec<u8>>, Vec<u8>)) -> Answer {
    let Stored::List(list) = keys.get_or_insert(key, || Stored::List(VecDeque::new())) else { return Err(WRONG_TYPE.into()) };
    for value in values {
        end(list, value.clone());
    }
    Ok(Reply::Integer(list.len() as i64))
}

/// An emptied list is no key any more.
fn pop(keys: &mut Keyspace, key: &[u8], end: fn(&mut VecDeque<Vec<u8>>) -> Option<Vec<u8>>) -> Answer {
    let (value, emptied) = match keys.get_mut(key) {
        None => return Ok(Reply::Nil),
        Some(Stored::List(list)) => (end(list), list.is_empty()),
        Some(_) => return Err(WRONG_TYPE.into()),
    };
    if emptied {
        keys.remove(key);
    }
    Ok(value.map_or(Reply::Nil, Reply::Bulk))
}

fn list_length(keys: &mut Keyspace, key: &[u8]) -> Answer {
    match keys.get(key) {
        None => Ok(Reply::Integer(0)),
        Some(Stored::List(list)) => Ok(Reply::Integer(list.len() as i64)),
        Some(_) => Err(WRONG_TYPE.into()),
    }
}

fn count(keys: Arguments<'_>, mut holds: impl FnMut(&[u8]) -> bool) -> Reply {
    Reply::Integer(keys.iter().filter(|key| holds(key)).count() as i64)
}

fn truth(holds: bool) -> Reply {
    Reply::Integer(i64::from(holds))
}

fn life(life: &Life, unit: impl FnOnce(&Duration) -> i64) -> Reply {
    Reply::Integer(match life {
        Life::NoKey => -2,
        Life::Forever => -1,
        Life::Left(left) => unit(left),
    })
}

fn integer(text: &[u8]) -> Result<i64, String> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| NOT_AN_INTEGER.to_owned())
}

fn seconds_of(text: &[u8]) -> Result<Duration, String> {
    Ok(Duration::from_secs(integer(text)?.try_into().unwrap_or(0)))
}

fn millis_of(text: &[u8]) -> Result<Duration, String> {
    Ok(Duration::from_millis(integer(text)?.try_into().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::{super::keyspace::Keyspace, Reply, run};

    fn say(keys: &mut Keyspace, line: &str) -> Reply {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        run(keys, &words)
    }

    #[test]
    fn set_only_if_new_keeps_the_first_value() {
        let mut keys = Keyspace::default();
        assert_eq!(say(&mut keys, "SET k a NX EX 60"), Reply::Simple("OK"));
        assert_eq!(say(&mut keys, "SET k b NX"), Reply::Nil);
        assert_eq!(say(&mut keys, "GET k"), Reply::bulk("a"));
        assert_eq!(say(&mut keys, "TTL k"), Reply::Integer(60));
        assert_eq!(say(&mut keys, "SET k c XX"), Reply::Simple("OK"));
        assert_eq!(say(&mut keys, "TTL k"), Reply::Integer(-1));
    }

    #[test]
    fn an_expired_key_is_gone() {
        let mut keys = Keyspace::default();
        say(&mut keys, "SET k a");
        assert_eq!(say(&mut keys, "PEXPIRE k 0"), Reply::Integer(1));
        assert_eq!(say(&mut keys, "GET k"), Reply::Nil);
        assert_eq!(say(&mut keys, "TTL k"), Reply::Integer(-2));
    }

    #[test]
    fn counters_count_and_refuse_words() {
        let mut keys = Keyspace::default();
        assert_eq!(say(&mut keys, "INCR n"), Reply::Integer(1));
        assert_eq!(say(&mut keys, "INCRBY n 41"), Reply::Integer(42));
        say(&mut keys, "SET n many");
        assert!(matches!(say(&mut keys, "INCR n"), Reply::Error(_)));
    }

    #[test]
    fn a_list_pops_from_both_ends_and_vanishes_when_empty() {
        let mut keys = Keyspace::default();
        assert_eq!(say(&mut keys, "RPUSH l a b c"), Reply::Integer(3));
        assert_eq!(say(&mut keys, "LPOP l"), Reply::bulk("a"));
        assert_eq!(say(&mut keys, "RPOP l"), Reply::bulk("c"));
        say(&mut keys, "RPOP l");
        assert_eq!(say(&mut keys, "EXISTS l"), Reply::Integer(0));
    }

    #[test]
    fn errors_are_worded_as_redis_words_them() {
        let mut keys = Keyspace::default();
        say(&mut keys, "HSET h f v");
        assert_eq!(say(&mut keys, "GET h"), Reply::Error(super::WRONG_TYPE.into()));
        assert_eq!(say(&mut keys, "SUBSCRIBE c"), Reply::Error("ERR unknown command 'SUBSCRIBE'".into()));
        assert_eq!(say(&mut keys, "GET"), Reply::Error("ERR wrong number of arguments for 'get' command".into()));
    }
}
