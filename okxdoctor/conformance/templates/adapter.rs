// Adapter for `okxdoctor conform`, in Rust with the standard library alone.
//
// Build it: rustc -O adapter.rs
// Run it:   okxdoctor conform sign --adapter ./adapter
//
// It answers `sign` and `ws_login`. To test your own code, call it in the functions `sign` and `ws_login` below and
// throw away what is only there because std has no JSON and no HMAC (in a cargo project: serde_json, hmac, sha2,
// base64). For rounding and parsing add "round_price", "round_size", "parse_timestamp" or "parse_response" to
// `supports` and an arm to `run`. Print nothing to standard output but replies; eprintln! is free for logs.

use std::io::{self, BufRead, Write};

// ---- signing ---------------------------------------------------------------------------------------------

fn sign(input: &Json) -> Result<Json, String> {
    let secret = input.text("secret")?;
    let method = input.text("method")?.to_uppercase();
    let mut request_path = input.text("path")?.to_string();
    let mut mark = '?';
    if let Some(Json::Array(params)) = input.get("params") {
        for pair in params {
            let Json::Array(pair) = pair else { return Err("a parameter is no pair".into()) };
            let value = match &pair[1] {
                Json::Null => continue,
                // OKX documents lists as one text with commas.
                Json::Array(items) => items.iter().map(Json::bare).collect::<Vec<_>>().join(","),
                other => other.bare(),
            };
            let Json::Text(name) = &pair[0] else { return Err("a name is no text".into()) };
            request_path.push(mark);
            request_path.push_str(&format!("{}={}", encode(name), encode(&value)));
            mark = '&';
        }
    }
    let body = match input.get("body") {
        None | Some(Json::Null) => String::new(),
        Some(value) => value.write(),
    };
    let prehash = format!("{}{}{}{}", input.text("timestamp")?, method, request_path, body);
    Ok(Json::object(vec![
        ("sign", Json::Text(base64(&hmac_sha256(secret.as_bytes(), prehash.as_bytes())))),
        ("request_path", Json::Text(request_path)),
        ("body", Json::Text(body)),
    ]))
}

fn ws_login(input: &Json) -> Result<Json, String> {
    let timestamp = input.text("epoch_s")?;
    let prehash = format!("{timestamp}GET/users/self/verify");
    let signature = base64(&hmac_sha256(input.text("secret")?.as_bytes(), prehash.as_bytes()));
    Ok(Json::object(vec![
        ("apiKey", Json::Text(input.text("key")?.into())),
        ("passphrase", Json::Text(input.text("passphrase")?.into())),
        ("timestamp", Json::Text(timestamp.into())),
        ("sign", Json::Text(signature)),
    ]))
}

fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

// ---- the protocol ----------------------------------------------------------------------------------------

fn run(op: &str, input: &Json) -> Result<Json, String> {
    match op {
        "sign" => sign(input),
        "ws_login" => ws_login(input),
        _ => Err(format!("{op} is not here")),
    }
}

fn main() {
    let stdout = io::stdout();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let message = Json::parse(&line).expect("a question is JSON");
        let reply = match message.text("cmd") {
            Ok("start") => Json::object(vec![
                ("name", Json::Text("my client".into())),
                ("version", Json::Text("1.0".into())),
                ("language", Json::Text("rust".into())),
                ("supports", Json::Array(vec![Json::Text("sign".into()), Json::Text("ws_login".into())])),
            ]),
            Ok("run") => {
                let op = message.text("op").expect("a call has an op");
                let result = run(op, message.get("input").expect("a call has an input"));
                let (kind, value) = match result {
                    Ok(output) => ("output", output),
                    Err(why) => ("error", Json::Text(why)),
                };
                Json::object(vec![("seq", message.get("seq").expect("a call has a seq").clone()), (kind, value)])
            }
            _ => return,
        };
        let mut out = stdout.lock();
        writeln!(out, "{}", reply.write()).and_then(|()| out.flush()).expect("somebody listens");
    }
}

// ---- JSON: numbers stay the text they are ----------------------------------------------------------------

#[derive(Clone)]
enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn object(members: Vec<(&str, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    fn get(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        match self.get(name) {
            Some(Json::Text(text)) => Ok(text),
            _ => Err(format!("{name} is no text")),
        }
    }

    fn bare(&self) -> String {
        match self {
            Json::Text(text) => text.clone(),
            other => other.write(),
        }
    }

    fn write(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(value) => value.to_string(),
            Json::Number(text) => text.clone(),
            Json::Text(text) => quoted(text),
            Json::Array(items) => format!("[{}]", items.iter().map(Json::write).collect::<Vec<_>>().join(",")),
            Json::Object(members) => {
                let parts: Vec<_> = members.iter().map(|(name, value)| format!("{}:{}", quoted(name), value.write())).collect();
                format!("{{{}}}", parts.join(","))
            }
        }
    }

    fn parse(text: &str) -> Result<Json, String> {
        let mut reader = Reader { rest: text };
        let value = reader.value()?;
        reader.blanks();
        if reader.rest.is_empty() { Ok(value) } else { Err("text after the JSON".into()) }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Result<Json, String> {
        self.blanks();
        match self.rest.chars().next() {
            Some('{') => self.members(),
            Some('[') => self.items(),
            Some('"') => Ok(Json::Text(self.string()?)),
            Some('-' | '0'..='9') => {
                let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
                let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                Ok(Json::Number(number.into()))
            }
            _ if self.take("null") => Ok(Json::Null),
            _ if self.take("true") => Ok(Json::Bool(true)),
            _ if self.take("false") => Ok(Json::Bool(false)),
            _ => Err("no JSON value".into()),
        }
    }

    fn items(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        self.take("[");
        self.blanks();
        while !self.take("]") {
            items.push(self.value()?);
            self.blanks();
            if !self.take(",") && !self.rest.starts_with(']') {
                return Err("an array without its end".into());
            }
        }
        Ok(Json::Array(items))
    }

    fn members(&mut self) -> Result<Json, String> {
        let mut members = Vec::new();
        self.take("{");
        self.blanks();
        while !self.take("}") {
            self.blanks();
            let name = self.string()?;
            self.blanks();
            if !self.take(":") {
                return Err("a name without a value".into());
            }
            members.push((name, self.value()?));
            self.blanks();
            if !self.take(",") && !self.rest.starts_with('}') {
                return Err("an object without its end".into());
            }
        }
        Ok(Json::Object(members))
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.take("\"") {
            return Err("no text".into());
        }
        let mut out = String::new();
        let mut surrogate: Option<u32> = None;
        loop {
            let character = self.rest.chars().next().ok_or("a text without its end")?;
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                '"' => return Ok(out),
                '\\' => {
                    let escape = self.rest.chars().next().ok_or("an escape without its end")?;
                    self.rest = &self.rest[escape.len_utf8()..];
                    match escape {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'b' => out.push('\u{8}'),
                        'f' => out.push('\u{c}'),
                        'u' => {
                            let digits = self.rest.get(..4).ok_or("a short escape")?;
                            let unit = u32::from_str_radix(digits, 16).map_err(|_| "a wrong escape")?;
                            self.rest = &self.rest[4..];
                            match (surrogate.take(), unit) {
                                (None, 0xD800..=0xDBFF) => surrogate = Some(unit),
                                (Some(high), 0xDC00..=0xDFFF) => {
                                    let code = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                                    out.push(char::from_u32(code).ok_or("no character")?);
                                }
                                _ => out.push(char::from_u32(unit).ok_or("a lone surrogate")?),
                            }
                        }
                        other => out.push(other),
                    }
                }
                other => out.push(other),
            }
        }
    }
}

// ---- HMAC-SHA256 (FIPS 180-4, RFC 2104) and Base64 -------------------------------------------------------

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner: Vec<u8> = block.iter().map(|byte| byte ^ 0x36).chain(message.iter().copied()).collect();
    let outer: Vec<u8> = block.iter().map(|byte| byte ^ 0x5c).chain(sha256(&inner)).collect();
    sha256(&outer)
}

/// The first 32 bits of the fractional part of a root of a prime, as FIPS 180-4 derives its constants.
fn root_bits(prime: u128, cube: bool) -> u32 {
    // The greatest r with r^2 <= prime * 2^64, or r^3 <= prime * 2^96; its low 32 bits are the fraction.
    let (mut low, mut high) = (0u128, 1u128 << 36);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let fits = if cube { middle * middle * middle <= prime << 96 } else { middle * middle <= prime << 64 };
        if fits { low = middle } else { high = middle }
    }
    low as u32
}

fn primes() -> Vec<u128> {
    (2u128..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect()
}

fn sha256(message: &[u8]) -> [u8; 32] {
    thread_local! {
        static CONSTANTS: ([u32; 8], Vec<u32>) = {
            let primes = primes();
            let mut start = [0u32; 8];
            for (slot, prime) in start.iter_mut().zip(&primes) {
                *slot = root_bits(*prime, false);
            }
            (start, primes.iter().take(64).map(|prime| root_bits(*prime, true)).collect())
        };
    }
    CONSTANTS.with(|(start, k)| {
        let mut state = *start;
        let mut padded = message.to_vec();
        padded.push(0x80);
        while padded.len() % 64 != 56 {
            padded.push(0);
        }
        padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
        for block in padded.chunks(64) {
            let mut w = [0u32; 64];
            for (slot, bytes) in w.iter_mut().zip(block.chunks(4)) {
                *slot = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            for i in 16..64 {
                let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
                let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
                w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
            for i in 0..64 {
                let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
                let choice = (e & f) ^ (!e & g);
                let t1 = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(k[i]).wrapping_add(w[i]);
                let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
                let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
                (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
            }
            for (slot, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *slot = slot.wrapping_add(value);
            }
        }
        let mut digest = [0u8; 32];
        for (slot, word) in digest.chunks_mut(4).zip(state) {
            slot.copy_from_slice(&word.to_be_bytes());
        }
        digest
    })
}

fn base64(raw: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in raw.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) as usize & 63;
            out.push(if place <= group.len() { ALPHABET[sextet] as char } else { '=' });
        }
    }
    out
}
