"""Background utterances of many domains, from which the reject option learns what a skill should not answer."""
