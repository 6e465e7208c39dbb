"""The conversation that a path names."""

from postroom.api import ids
from postroom.api.call import Call
from postroom.model.conversation import ConversationRef


def parse_conversation_ref(call: Call) -> ConversationRef:
    """Return the conversation in the path of a call; raises ``badParameter``."""
    return ids.parse_conversation(call.scope["path_params"]["conversation_id"], "conversationId")
