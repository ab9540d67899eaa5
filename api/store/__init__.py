"""Plans that live: every version of every plan, kept so that nothing acknowledged is lost."""
