
test("{{ name }} knows arithmetic", async () => {
  const expressions = { "(2 + 3) * 4": "20", "10/4": "2.5", "-2**2": "-4", "7 // 2": "3", "0.1 + 0.2": "0.30000000000000004" };
  for (const [expression, value] of Object.entries(expressions)) {
    assert.equal(await call({{ id }}, { expression }), value);
  }
});

test("{{ name }} says what it cannot compute", async () => {
  for (const [expression, message] of Object.entries({ "1/0": /division by zero/, "2 +": /not an/, "__import__('os')": /not an/ })) {
    await assert.rejects(call({{ id }}, { expression }), message);
  }
});
