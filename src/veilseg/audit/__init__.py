"""What an encrypted image gives away: attacks, and the report of what they found."""
