"""The Query protocol by hand: form in, XML out, nothing of an SDK in between."""

import xml.etree.ElementTree as ElementTree

import requests

VERSION = "2012-11-05"
NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


class Answer:
    """An XML answer, its envelope checked."""

    def __init__(self, response, action):
        self.response = response
        self.status = response.status_code
        assert response.headers["Content-Type"].split(";")[0].strip() == "text/xml"
        self.root = ElementTree.fromstring(response.content)
        if self.status == 200:
            assert self.root.tag == f"{NAMESPACE}{action}Response"
            names = [tag_of(child) for child in self.root]
            assert names in ([f"{action}Result", "ResponseMetadata"], ["ResponseMetadata"])
            self.request_id = self.root.findtext(
                f"{NAMESPACE}ResponseMetadata/{NAMESPACE}RequestId"
            )
        else:
            assert tag_of(self.root) == "ErrorResponse"
            assert self.root.tag.startswith(NAMESPACE)
            assert [tag_of(child) for child in self.root] == ["Error", "RequestId"]
            self.request_id = self.root.findtext(f"{NAMESPACE}RequestId")
        assert self.request_id
        assert self.request_id == response.headers["x-amzn-RequestId"]

    @property
    def is_void(self):
        return self.status == 200 and len(self.root) == 1

    @property
    def result(self):
        """The result element as [(name, text or nested list), ...], in document order."""
        assert self.status == 200, self.response.text
        assert len(self.root) == 2, "a result was expected"
        return children(self.root[0])

    @property
    def error(self):
        assert self.status != 200
        return dict(children(self.root.find(f"{NAMESPACE}Error")))

    def all(self, name):
        return [value for key, value in self.result if key == name]

    def one(self, name):
        (value,) = self.all(name)
        return value


def tag_of(element):
    return element.tag.rsplit("}", 1)[-1]


def children(element):
    return [
        (tag_of(child), children(child) if len(child) else child.text or "") for child in element
    ]


def pairs(elements, key="Name", value="Value"):
    """Flattened map entries as a dictionary."""
    return {dict(element)[key]: dict(element)[value] for element in elements}


class QueryClient:
    def __init__(self, endpoint, method="POST"):
        self.endpoint = endpoint
        self.method = method
        self.session = requests.Session()

    def send(self, parameters, url=None, headers=None):
        data = {"data" if self.method == "POST" else "params": parameters}
        return self.session.request(
            self.method, url or self.endpoint + "/", headers=headers, timeout=30, **data
        )

    def __call__(self, action, url=None, headers=None, **parameters):
        """Dots in parameter names can't be keywords, so pass such names as **{...}."""
        form = {"Action": action, "Version": VERSION, **parameters}
        return Answer(self.send(form, url, headers), action)
