//! Templates of `extract()`: what stands before and behind the part that is taken, by
//! <https://docs.cloud.google.com/iam/docs/conditions-attribute-reference>.

/// A template such as `topics/{name}/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template {
    prefix: Box<str>,
    suffix: Box<str>,
}

impl Template {
    /// `None` where a text is no template.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (prefix, rest) = text.split_once('{')?;
        let (name, suffix) = rest.split_once('}')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let named = !name.is_empty() && name.bytes().all(plain);
        let once = !prefix.contains('}') && !suffix.contains(['{', '}']);
        (named && once).then(|| Self {
            prefix: prefix.into(),
            suffix: suffix.into(),
        })
    }

    /// What stands behind the prefix and before the suffix that follows it; nothing where they don't.
    pub(crate) fn extract<'a>(&self, from: &'a str) -> &'a str {
        let Some(start) = from.find(&*self.prefix) else {
            return "";
        };
        let rest = &from[start + self.prefix.len()..];
        if self.suffix.is_empty() {
            return rest;
        }
        rest.find(&*self.suffix).map_or("", |end| &rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the page, and their outcomes.
    #[test]
    fn as_documented() {
        let name = "projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/\
                    order_date=2019-11-03/aef87g87ae0876";
        for (template, expected) in [
            ("/order_date={date}/", "2019-11-03"),
            ("buckets/{name}/", "acme-orders-aaa"),
            ("/orders/{empty}order_date", ""),
            (
                "{start}/objects/data_lake",
                "projects/_/buckets/acme-orders-aaa",
            ),
            ("orders/{end}", "order_date=2019-11-03/aef87g87ae0876"),
            ("{all}", name),
            ("/orders/{none}/order_date=", ""),
            ("/orders/order_date=2019-11-03/{id}/data_lake", ""),
        ] {
            let read = Template::read(template).unwrap();
            assert_eq!(read.extract(name), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_template() {
        for text in [
            "", "a", "{}", "{a", "a}", "{a-b}", "{a}{b}", "}{a}", "{a}}", "{{a}}",
        ] {
            assert_eq!(Template::read(text), None, "{text}");
        }
    }
}
