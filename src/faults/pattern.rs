//! Names with `*` for any characters and `?` for one.

/// Whether a name is as the pattern says. Linear but for the characters after the last `*` tried.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if *byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                // The last star takes one more.
                Some((at, taken)) => {
                    *taken += 1;
                    (p, n) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "orders"),
            ("orders", "orders"),
            ("orders-*", "orders-"),
            ("*.fifo", "a.fifo.fifo"),
            ("o?ders", "orders"),
            ("*a*b*", "xxaxxbxx"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "orders"),
            ("orders", "orders2"),
            ("orders-*", "order-1"),
            ("*.fifo", "fifo"),
            ("o?ders", "oders"),
            ("*a*b", "ba"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
