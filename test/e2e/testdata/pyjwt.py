"""Checks an access token as a service in Python would, with PyJWT and the server's key set.

    python3 testdata/pyjwt.py ISSUER AUDIENCE JWKS-URL < token

Prints the token's subject. Exits 0 when it is accepted, 1 with the reason when it is refused, 2 when called wrongly.
"""

import sys

import jwt

if len(sys.argv) != 4:
    sys.exit(2)
issuer, audience, key_set = sys.argv[1:]
token = sys.stdin.read().strip()
try:
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("typ is not at+jwt")
    key = jwt.PyJWKClient(key_set).get_signing_key_from_jwt(token).key
    claims = jwt.decode(
        token, key, algorithms=["EdDSA", "ES256", "RS256"], issuer=issuer, audience=audience,
        options={"require": ["exp", "iat", "nbf", "sub", "aud", "iss"]},
    )
except jwt.PyJWTError as refused:
    print("refused:", refused, file=sys.stderr)
    sys.exit(1)
print(claims["sub"])
