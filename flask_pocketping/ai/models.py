"""Connects the model that the settings name."""

from __future__ import annotations

from ..config import Config
from ..delivery.http.client import GuardedClient
from .providers import anthropic, gemini, openai
from .providers.anthropic import AnthropicProvider
from .providers.endpoint import Endpoint
from .providers.gemini import GeminiProvider
from .providers.openai import OpenAIProvider
from .providers.protocol import Provider


def make_client(config: Config) -> GuardedClient:
    """Return the HTTP client for the model's server."""
    return GuardedClient(
        allow_http=bool(config.ai_allow_networks),
        allow_networks=config.ai_allow_networks,
        timeout=config.ai_timeout,
    )


def make_provider(config: Config, client: GuardedClient) -> Provider | None:
    """Return the model that the settings name, if they name one."""
    kind, model, key = config.ai_provider, str(config.ai_model), config.ai_api_key
    if kind == "openai":
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return OpenAIProvider(
            Endpoint(client, config.ai_base_url or openai.BASE_URL, headers),
            model,
            tokens_parameter=config.ai_tokens_parameter,
            temperature=config.ai_temperature,
        )
    if kind == "anthropic":
        headers = {"anthropic-version": anthropic.VERSION, **({"x-api-key": key} if key else {})}
        endpoint = Endpoint(client, config.ai_base_url or anthropic.BASE_URL, headers)
        return AnthropicProvider(endpoint, model, temperature=config.ai_temperature)
    if kind == "gemini":
        headers = {"x-goog-api-key": key} if key else {}
        endpoint = Endpoint(client, config.ai_base_url or gemini.BASE_URL, headers)
        return GeminiProvider(endpoint, model, temperature=config.ai_temperature)
    return None
