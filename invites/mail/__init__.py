"""What mail says, and how its messages are built. The texts are in templates/email/."""
