
test("{{ name }} has the offset asked for", async () => {
  assert.match(await call({{ id }}, {}), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  assert.match(await call({{ id }}, { utc_offset: "-03:30" }), /-03:30$/);
});

test("{{ name }} refuses what is no offset", async () => {
  await assert.rejects(call({{ id }}, { utc_offset: "Oslo" }), /must look like/);
});
