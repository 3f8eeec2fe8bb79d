"""Push requests with an OIDC token, verified as an endpoint would: against the served JWKS."""

import time

import jwt
import pytest
import requests

from support.push_endpoint import PushEndpoint

EMAIL = "pusher@example.iam.gserviceaccount.com"


@pytest.fixture
def endpoint():
    with PushEndpoint() as running:
        yield running


def pushed_token(project, endpoint, **token):
    topic, _ = project.topic_with(
        {
            "push_config": {
                "push_endpoint": endpoint.url,
                "oidc_token": {"service_account_email": EMAIL, **token},
            }
        }
    )
    topic.publish(b"x")
    scheme, _, value = endpoint.only().headers["authorization"].partition(" ")
    assert scheme == "Bearer"
    return value


def served_keys(address):
    """The key set, found as OpenID Connect says: by the discovery document."""
    discovery = requests.get(f"http://{address}/.well-known/openid-configuration", timeout=10)
    assert discovery.status_code == 200
    answer = requests.get(discovery.json()["jwks_uri"], timeout=10)
    assert answer.status_code == 200
    return discovery.json(), jwt.PyJWKSet.from_dict(answer.json())


def verified(token, address, audience):
    discovery, keys = served_keys(address)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        audience=audience,
        issuer=discovery["issuer"],
        leeway=60,
        options={"require": ["aud", "exp", "iat", "iss", "sub", "email"]},
    )


def test_the_audience_is_the_endpoint_by_default(project, endpoint, address):
    token = pushed_token(project, endpoint)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    claims = verified(token, address, endpoint.url)
    assert claims["email"] == EMAIL
    assert claims["email_verified"] is True
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    assert abs(claims["iat"] - time.time()) < 300


def test_an_audience_of_its_own(project, endpoint, address):
    token = pushed_token(project, endpoint, audience="my-audience")
    assert verified(token, address, "my-audience")["aud"] == "my-audience"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(token, address, endpoint.url)


def test_a_token_that_was_changed_does_not_verify(project, endpoint, address):
    token = pushed_token(project, endpoint)
    head, body, signature = token.split(".")
    other = "A" if signature[10] != "A" else "B"
    forged = f"{head}.{body}.{signature[:10]}{other}{signature[11:]}"
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, address, endpoint.url)
