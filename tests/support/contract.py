"""A client that holds every answer of the back office against the OpenAPI document of the same server."""

from __future__ import annotations

import re
from typing import Any

import requests
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from .clients import Api


class Contract:
    """The OpenAPI document of one server, and the answers that it allows."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, OAS31Validator] = {}
        # A literal path such as `/sessions` goes before a template that would take it too.
        self._paths = sorted(document["paths"], key=lambda path: path.count("{"))

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """Fail unless the document has the route and its answer fits what the document says of it."""
        operation = self._operation(method, path)
        answers = operation["responses"]
        status = str(response.status_code)
        assert status in answers or response.status_code >= 400, f"{method} {path}: {status} is not in the document"
        where = f"#/paths/{_escaped(operation['path'])}/{method.lower()}/responses/{status}"
        answer = answers.get(status)
        if answer is None:
            answer, where = self.document["components"]["responses"]["Error"], "#/components/responses/Error"
        if "content" not in answer:
            assert response.status_code == 200 or not response.content, f"{method} {path}: a body that nobody expects"
            return
        assert response.headers["Content-Type"] == "application/json"
        self._validate(f"{where}/content/application~1json/schema", response.json())

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        for template in self._paths:
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                found = self.document["paths"][template].get(method.lower())
                if found:
                    return {"path": template, **found}
        raise AssertionError(f"{method} {path} is not in the OpenAPI document")

    def _validate(self, pointer: str, answer: Any) -> None:
        if pointer not in self._validators:
            schema = {**self.document, "$ref": pointer}
            self._validators[pointer] = OAS31Validator(schema, format_checker=oas31_format_checker)
        faults = [f"{error.json_path}: {error.message}" for error in self._validators[pointer].iter_errors(answer)]
        assert not faults, f"{pointer}: {faults}\n{answer}"


class CheckedApi(Api):
    """The back office of one server; an answer that its OpenAPI document does not allow fails the test."""

    def __init__(self, url: str, key: str | None, contract: Contract | None = None) -> None:
        super().__init__(url, key)
        self.contract = contract or Contract(requests.get(url + "/openapi.json", timeout=30).json())

    def with_key(self, key: str | None) -> CheckedApi:
        return CheckedApi(self.url, key, self.contract)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        response = super().request(method, path, **kwargs)
        self.contract.check(method, path.split("?")[0], response)
        return response


def _escaped(path: str) -> str:
    """A path as a part of a JSON pointer in a URI (RFC 6901, section 6)."""
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
