"""What a campaign asks for: `plan(spec, knowledge) -> work`, pure functions without a database."""
