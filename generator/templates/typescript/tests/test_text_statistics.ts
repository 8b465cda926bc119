
test("{{ name }} counts", async () => {
  const counts = { characters: 14, words: 3, lines: 2 };
  assert.deepEqual(JSON.parse(await call({{ id }}, { text: "one two\nthree\n" })), counts);
  assert.deepEqual(JSON.parse(await call({{ id }}, { text: "" })), { characters: 0, words: 0, lines: 0 });
});
