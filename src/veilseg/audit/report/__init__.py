"""What an audit writes: JSON and a page."""
