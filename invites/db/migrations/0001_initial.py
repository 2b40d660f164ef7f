"""The schema of version 0.1.0, in SQL: models change, migrations don't."""

from collections.abc import Callable
from typing import Any

_STATEMENTS = (
    """
    CREATE TABLE account (
        id INTEGER NOT NULL PRIMARY KEY,
        name VARCHAR(100) NOT NULL,
        slug VARCHAR(60) NOT NULL,
        purpose VARCHAR(200) NOT NULL,
        assignments_url VARCHAR(500) NOT NULL,
        assignments_label VARCHAR(60) NOT NULL,
        reply_to VARCHAR(254) NOT NULL,
        time_zone VARCHAR(64) NOT NULL,
        requires_two_step INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX account_slug ON account (slug)",
    """
    CREATE TABLE "user" (
        id INTEGER NOT NULL PRIMARY KEY,
        name VARCHAR(100) NOT NULL,
        email VARCHAR(254) NOT NULL,
        email_confirmed_at INTEGER,
        phone VARCHAR(40) NOT NULL,
        password_hash VARCHAR(255) NOT NULL,
        is_installer INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    'CREATE UNIQUE INDEX user_email ON "user" (email)',
    """
    CREATE TABLE audit_entry (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER REFERENCES account (id),
        actor_id INTEGER REFERENCES "user" (id),
        action VARCHAR(40) NOT NULL,
        details TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX audit_entry_account_id ON audit_entry (account_id)",
    "CREATE INDEX audit_entry_actor_id ON audit_entry (actor_id)",
    """
    CREATE TABLE authenticator (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        created_at INTEGER NOT NULL,
        confirmed_at INTEGER,
        last_step INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX authenticator_user_id ON authenticator (user_id)",
    """
    CREATE TABLE batch (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        inviter_id INTEGER NOT NULL REFERENCES "user" (id),
        role INTEGER NOT NULL,
        key VARCHAR(64) NOT NULL,
        file_name VARCHAR(255) NOT NULL,
        skipped TEXT NOT NULL,
        state VARCHAR(10) NOT NULL,
        stop_reason VARCHAR(500) NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX batch_account_id ON batch (account_id)",
    "CREATE INDEX batch_inviter_id ON batch (inviter_id)",
    "CREATE UNIQUE INDEX batch_key ON batch (key)",
    "CREATE INDEX batch_state ON batch (state)",
    """
    CREATE TABLE passkey_challenge (
        id INTEGER NOT NULL PRIMARY KEY,
        value BLOB NOT NULL,
        user_id INTEGER REFERENCES "user" (id),
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX passkey_challenge_value ON passkey_challenge (value)",
    "CREATE INDEX passkey_challenge_user_id ON passkey_challenge (user_id)",
    """
    CREATE TABLE invitation (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        batch_id INTEGER NOT NULL REFERENCES batch (id),
        inviter_id INTEGER NOT NULL REFERENCES "user" (id),
        email VARCHAR(254) NOT NULL,
        name VARCHAR(100) NOT NULL,
        role INTEGER NOT NULL,
        state VARCHAR(10) NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        answered_at INTEGER
    )
    """,
    "CREATE INDEX invitation_account_id ON invitation (account_id)",
    "CREATE INDEX invitation_batch_id ON invitation (batch_id)",
    "CREATE INDEX invitation_inviter_id ON invitation (inviter_id)",
    "CREATE INDEX invitation_account_id_state ON invitation (account_id, state)",
    "CREATE INDEX invitation_email_state ON invitation (email, state)",
    """
    CREATE UNIQUE INDEX invitation_one_pending_an_address
        ON invitation (account_id, email)
        WHERE (state = 'pending')
    """,
    """
    CREATE TABLE email_token (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        purpose VARCHAR(20) NOT NULL,
        email VARCHAR(254) NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_at INTEGER
    )
    """,
    "CREATE INDEX email_token_user_id ON email_token (user_id)",
    """
    CREATE TABLE security_notice (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        event VARCHAR(40) NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX security_notice_user_id ON security_notice (user_id)",
    """
    CREATE TABLE delivery (
        id INTEGER NOT NULL PRIMARY KEY,
        kind VARCHAR(20) NOT NULL,
        recipient VARCHAR(254) NOT NULL,
        account_id INTEGER REFERENCES account (id),
        batch_id INTEGER REFERENCES batch (id),
        invitation_id INTEGER REFERENCES invitation (id),
        email_token_id INTEGER REFERENCES email_token (id),
        security_notice_id INTEGER REFERENCES security_notice (id),
        state VARCHAR(10) NOT NULL,
        priority INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        unknown_outcomes INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        finished_at INTEGER,
        reply_code INTEGER,
        reply_text VARCHAR(500) NOT NULL
    )
    """,
    "CREATE INDEX delivery_account_id ON delivery (account_id)",
    "CREATE INDEX delivery_invitation_id ON delivery (invitation_id)",
    "CREATE INDEX delivery_email_token_id ON delivery (email_token_id)",
    "CREATE INDEX delivery_batch_id_state_finished_at ON delivery (batch_id, state, finished_at)",
    """
    CREATE INDEX delivery_queued
        ON delivery (state, priority, batch_id, due_at)
        WHERE (state = 'queued')
    """,
    """
    CREATE INDEX delivery_sending ON delivery (state)
        WHERE (state = 'sending')
    """,
    """
    CREATE INDEX delivery_bounced_recipient
        ON delivery (recipient, state)
        WHERE (state = 'bounced')
    """,
    """
    CREATE TABLE mail_throttle (
        id INTEGER NOT NULL PRIMARY KEY,
        per_minute INTEGER,
        connections INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE membership (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        role INTEGER NOT NULL,
        joined_by VARCHAR(20) NOT NULL,
        invitation_id INTEGER REFERENCES invitation (id),
        joined_at INTEGER NOT NULL,
        deactivated_at INTEGER
    )
    """,
    "CREATE INDEX membership_account_id ON membership (account_id)",
    "CREATE INDEX membership_user_id ON membership (user_id)",
    "CREATE INDEX membership_invitation_id ON membership (invitation_id)",
    "CREATE UNIQUE INDEX membership_account_id_user_id ON membership (account_id, user_id)",
    """
    CREATE TABLE passkey (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        name VARCHAR(100) NOT NULL,
        credential_id BLOB NOT NULL,
        public_key BLOB NOT NULL,
        sign_count INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        used_at INTEGER
    )
    """,
    "CREATE INDEX passkey_user_id ON passkey (user_id)",
    "CREATE UNIQUE INDEX passkey_credential_id ON passkey (credential_id)",
    """
    CREATE TABLE permanent_link (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        role INTEGER NOT NULL,
        creator_id INTEGER NOT NULL REFERENCES "user" (id),
        created_at INTEGER NOT NULL,
        deleted_at INTEGER
    )
    """,
    "CREATE INDEX permanent_link_account_id ON permanent_link (account_id)",
    "CREATE INDEX permanent_link_creator_id ON permanent_link (creator_id)",
    """
    CREATE TABLE recovery_codes (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        created_at INTEGER NOT NULL,
        used INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX recovery_codes_user_id ON recovery_codes (user_id)",
    """
    CREATE TABLE session (
        id INTEGER NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        token_hash VARCHAR(64) NOT NULL,
        user_agent VARCHAR(255) NOT NULL,
        is_shared INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX session_user_id ON session (user_id)",
    "CREATE UNIQUE INDEX session_token_hash ON session (token_hash)",
    """
    CREATE TABLE staged_list (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        user_id INTEGER NOT NULL REFERENCES "user" (id),
        file_name VARCHAR(255) NOT NULL,
        delimiter VARCHAR(1) NOT NULL,
        sheets TEXT NOT NULL,
        columns TEXT NOT NULL,
        email_column INTEGER NOT NULL,
        name_column INTEGER,
        counts TEXT NOT NULL,
        batch_id INTEGER REFERENCES batch (id),
        created_at INTEGER NOT NULL,
        content BLOB NOT NULL
    )
    """,
    "CREATE INDEX staged_list_account_id ON staged_list (account_id)",
    "CREATE INDEX staged_list_user_id ON staged_list (user_id)",
    "CREATE INDEX staged_list_batch_id ON staged_list (batch_id)",
    """
    CREATE TABLE staged_row (
        list_id INTEGER NOT NULL REFERENCES staged_list (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        text VARCHAR(1000) NOT NULL,
        name VARCHAR(100) NOT NULL,
        email VARCHAR(254) NOT NULL,
        outcome VARCHAR(15) NOT NULL,
        problem VARCHAR(30) NOT NULL DEFAULT '',
        suggestion VARCHAR(254) NOT NULL DEFAULT '',
        kept_as_is INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (list_id, number)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX staged_row_list_id_outcome ON staged_row (list_id, outcome)",
    "CREATE INDEX staged_row_list_id_email ON staged_row (list_id, email)",
    """
    CREATE TABLE unsubscribed_address (
        id INTEGER NOT NULL PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        email VARCHAR(254) NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX unsubscribed_address_account_id ON unsubscribed_address (account_id)",
    """
    CREATE UNIQUE INDEX unsubscribed_address_account_id_email
        ON unsubscribed_address (account_id, email)
    """,
    """
    CREATE TABLE worker_status (
        id INTEGER NOT NULL PRIMARY KEY,
        seen_at INTEGER NOT NULL,
        outage VARCHAR(500) NOT NULL
    )
    """,
    """
    CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END
    """,
    """
    CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END
    """,
)


def up(execute: Callable[[str], Any]) -> None:
    for statement in _STATEMENTS:
        execute(statement)
