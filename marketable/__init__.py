"""A self-hosted contact platform with marketing contacts."""
