"""Bridges: operators answer from Telegram, Slack or Discord, in one thread for each conversation."""
