"""Answers that come late: a script for pages, which holds some back until a test lets them go."""

import json

_SCRIPT = """
{
  const mayGo = new Promise((go) => { window.letGo = go; });
  const { fetch } = window;
  window.heldBack = 0;
  window.isHolding = IS_HOLDING;
  window.fetch = async (...given) => {
    const answer = await fetch(...given);
    if (window.isHolding && new RegExp(PATTERN).test(String(given[0]))) {
      window.heldBack += 1;
      await mayGo;
    }
    return answer;
  };
}
"""


def hold_answers(pattern: str, *, at_once: bool = False) -> str:
    """Return a script that holds answers back whose addresses have a pattern (a regular expression of JavaScript).

    It does so from the beginning where ``at_once``, else while ``isHolding`` is set; ``heldBack`` tells how many it
    holds, and ``letGo()`` lets them go.
    """
    return _SCRIPT.replace("IS_HOLDING", json.dumps(at_once)).replace("PATTERN", json.dumps(pattern))
