//! What a body may hold: every legal character, up to 1 MiB.

use std::ops::RangeInclusive;

use lclq_sdk_rust::*;

const MIB: usize = 1024 * 1024;
const LEGAL: [RangeInclusive<char>; 6] = [
    '\x09'..='\x09',
    '\x0a'..='\x0a',
    '\x0d'..='\x0d',
    '\x20'..='\u{d7ff}',
    '\u{e000}'..='\u{fffd}',
    '\u{10000}'..='\u{10ffff}',
];

/// All legal characters in bodies of at most 1 MiB.
fn legal_bodies() -> Vec<String> {
    let mut all = vec![String::new()];
    for char in LEGAL.into_iter().flatten() {
        if all.last().unwrap().len() + char.len_utf8() > MIB {
            all.push(String::new());
        }
        all.last_mut().unwrap().push(char);
    }
    all
}

#[test]
fn every_legal_character_survives() {
    run(async {
        let queue = Queue::standard().await;
        let mut count = 0;
        for body in legal_bodies() {
            let sent = queue.sending(&body).send().await.unwrap();
            assert_eq!(sent.md5_of_message_body(), Some(md5_of(&body).as_str()));
            let got = queue.receive_one().await;
            assert!(
                got.body() == Some(&body),
                "characters differ in the body that starts with {:?}",
                body.chars().next()
            );
            queue.delete(&got).await;
            count += body.chars().count();
        }
        assert_eq!(count, 3 + 0xd7e0 + 0x1ffe + 0x100000, "characters tried");
    });
}

#[test]
fn markup_quotes_and_line_ends_survive() {
    run(async {
        let queue = Queue::standard().await;
        let body = "<a href=\"x\">&amp;&quot;'</a>\r\n\t]]>\r\\u0041\u{2028}\u{2029} end ";
        queue.send(body).await;
        assert_eq!(queue.receive_one().await.body(), Some(body));
    });
}

#[test]
fn illegal_characters() {
    run(async {
        let queue = Queue::standard().await;
        for char in ['\0', '\x01', '\x08', '\x0b', '\x1f', '\u{fffe}', '\u{ffff}'] {
            raises!(
                queue.sending(format!("illegal {char} here")).send().await,
                InvalidMessageContents
            );
        }
        queue.is_empty("nothing was sent").await;
    });
}

#[test]
fn exactly_one_mebibyte() {
    run(async {
        let queue = Queue::standard().await;
        let body = "x".repeat(MIB);
        queue.send(&body).await;
        assert!(queue.receive_one().await.body() == Some(&body));
        raises_code!(
            queue.sending(body + "x").send().await,
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
        );
    });
}

#[test]
fn attributes_count_towards_one_mebibyte() {
    run(async {
        let queue = Queue::standard().await;
        let longest = "x".repeat(MIB - "name".len() - "String".len() - "value".len());
        let sending = |body: &str| queue.sending(body).message_attributes("name", string("value")).send();
        sending(&longest).await.unwrap();
        let too_long = sending(&(longest + "x")).await;
        raises_code!(
            too_long,
            "InvalidParameterValue",
            "Message must be shorter than 1048576 bytes."
        );
    });
}

#[test]
fn maximum_message_size_counts_bytes() {
    run(async {
        let queue = Queue::with(&[("MaximumMessageSize", "1024")]).await;
        queue.send("ü".repeat(512)).await;
        let too_long = queue.sending("ü".repeat(512) + "x").send().await;
        raises_code!(
            too_long,
            "InvalidParameterValue",
            "Message must be shorter than 1024 bytes."
        );
    });
}

#[test]
fn empty_body() {
    run(async {
        raises_code!(
            Queue::standard().await.sending("").send().await,
            "MissingParameter",
            "The request must contain the parameter MessageBody."
        );
    });
}
