// Files: written in the browser, kept through changes of the spec, decided where they are at odds, brought back.
import { expect, expectAccessible, lookOver, settled, test } from '../../support/browser.mjs';

const treeOf = (page) => page.getByRole('tree', { name: 'Files' });
const rowOf = (page, name) => treeOf(page).getByRole('treeitem', { name });
const editorOf = (page, path) => page.getByRole('textbox', { name: `Text of ${path}` });
const headOf = (page) => page.getByRole('navigation', { name: 'Views of the files' });

/** A project whose description says `words`. */
async function describe(gantry, project, words) {
  const now = await gantry.api('GET', `/projects/${project.id}`);
  const spec = { ...now.spec, metadata: { ...now.spec.metadata, description: words } };
  return gantry.api('PUT', `/projects/${project.id}/spec`, { spec, expectedRevision: now.revision });
}

const readFile = async (gantry, project, path) => (await gantry.api('GET', `/projects/${project.id}/files/${path}`)).content;

async function writeFile(gantry, project, path, content) {
  const { revision } = await gantry.api('GET', `/projects/${project.id}`);
  return gantry.api('PUT', `/projects/${project.id}/files/${path}`, { content, expectedRevision: revision });
}

test('an edit is saved with the keyboard, marked, and kept when the spec changes', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about harbours.', 'harbours');
  await page.goto('/projects/harbours/files');
  await settled(page);
  await rowOf(page, 'README.md').focus();
  await page.keyboard.press('e');
  const editor = editorOf(page, 'README.md');
  await expect(editor).toBeFocused();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText('\nTides are measured at the mole.\n');
  await expect(page.getByText('Not saved').first()).toBeVisible();
  await lookOver(page, 'files-editor');
  await page.keyboard.press('Control+s');
  await expect(page.getByText('Saved as revision 2')).toBeVisible();
  await expect(editor).toBeFocused();
  await expect(rowOf(page, /README\.md.*Edited/)).toBeVisible();
  expect(await readFile(gantry, project, 'README.md')).toContain('Tides are measured at the mole.');
  // The browser's own undo still works after saving.
  await page.keyboard.press('Control+z');
  await expect(page.getByText('Not saved').first()).toBeVisible();
  await page.keyboard.press('Control+Shift+z');
  await expect(page.getByText('Not saved')).toHaveCount(0);

  await describe(gantry, project, 'Knows every harbour of the north.');
  await page.goto('/projects/harbours/edits');
  await settled(page);
  await expect(headOf(page).getByRole('link', { name: /Your edits 1/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Changes of README.md' })).toContainText('Tides are measured at the mole.');
  await lookOver(page, 'files-edits');
  const readme = await readFile(gantry, project, 'README.md');
  expect(readme).toContain('Knows every harbour of the north.');
  expect(readme).toContain('Tides are measured at the mole.');

  await page.getByRole('button', { name: 'Regenerate' }).click();
  await expect(page.getByRole('dialog', { name: 'Regenerate the files' })).toContainText('Nothing would change');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Revert' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revert to generated' }).click();
  await expect(page.getByText('README.md is again what the generator wrote.')).toBeVisible();
  await expect(page.getByText('No edits')).toBeVisible();
  expect(await readFile(gantry, project, 'README.md')).not.toContain('Tides are measured');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('Revision 3 is back, as revision 5.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Changes of README.md' })).toContainText('Tides are measured at the mole.');
});

test('what is at odds is said everywhere, and decided place by place', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about canals.', 'canals');
  const readme = await readFile(gantry, project, 'README.md');
  const { spec } = await gantry.api('GET', `/projects/${project.id}`);
  expect(readme).toContain(spec.metadata.description);
  await writeFile(gantry, project, 'README.md', readme.replace(spec.metadata.description, 'Canals, as we at the lock see them.'));
  await describe(gantry, project, 'Canals of all countries.');

  await page.goto('/projects/canals');
  await settled(page);
  await expect(page.getByText('In a file your edits and what is generated are at odds.')).toBeVisible();
  await lookOver(page, 'files-conflict-overview');
  await page.goto('/projects/canals/builds');
  await settled(page);
  await page.getByRole('button', { name: 'Build image' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'README.md' }).first()).toBeVisible();
  await lookOver(page, 'files-conflict-build');

  await page.getByRole('link', { name: 'Resolve conflicts' }).click();
  await expect(page).toHaveURL(/\/projects\/canals\/conflicts/);
  await settled(page);
  await expect(headOf(page).getByRole('link', { name: /Conflicts 1/ })).toHaveAttribute('aria-current', 'page');
  const editor = editorOf(page, 'README.md');
  await expect(editor).toHaveValue(/<<<<<<< yours\n[^]*Canals, as we at the lock see them[^]*=======\n[^]*Canals of all countries[^]*>>>>>>> generated/);
  await expect(page.getByText('1 place left')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save this text' })).toBeDisabled();
  await lookOver(page, 'files-conflict');
  await page.getByRole('group', { name: 'This place' }).getByRole('button', { name: 'Both' }).click();
  await expect(page.getByText('Every place is decided.')).toBeVisible();
  await editor.focus();
  await page.keyboard.press('Control+z');
  await expect(page.getByText('1 place left')).toBeVisible();
  await page.getByRole('group', { name: 'This place' }).getByRole('button', { name: 'Yours' }).click();
  await page.getByRole('button', { name: 'Save this text' }).click();
  await expect(page.getByText('README.md is decided. No conflicts are left.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No conflicts' })).toBeVisible();
  const decided = await readFile(gantry, project, 'README.md');
  expect(decided).toContain('Canals, as we at the lock see them.');
  expect(decided).not.toContain('<<<<<<<');
  await page.goto('/projects/canals');
  await settled(page);
  await expect(page.getByText('are at odds')).toHaveCount(0);
});

test('a file that was deleted and generated anew waits, and comes back', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about ferries.', 'ferries');
  await page.goto('/projects/ferries/files/README.md');
  await settled(page);
  await page.getByRole('button', { name: 'Delete file' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete file' }).click();
  await expect(page.getByText('README.md was deleted.')).toBeVisible();
  await expect(rowOf(page, /README\.md/)).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(rowOf(page, /README\.md/)).toBeVisible();
  const { revision } = await gantry.api('GET', `/projects/${project.id}`);
  await gantry.api('DELETE', `/projects/${project.id}/files/README.md?expectedRevision=${revision}`);
  await describe(gantry, project, 'Ferries and their timetables.');
  await page.goto('/projects/ferries/files');
  await settled(page);
  await rowOf(page, /README\.md.*Conflict, deleted/).click();
  await expect(page.getByRole('heading', { name: 'Deleted, and in conflict' })).toBeVisible();
  await page.getByRole('link', { name: 'Resolve conflict', exact: true }).click();
  await settled(page);
  await expect(page.getByText('You deleted this file, and the generator has changed it since.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Changes of README.md' })).toContainText('Ferries and their timetables.');
  await lookOver(page, 'files-conflict-deleted');
  await page.getByRole('button', { name: "Bring the generator's back" }).click();
  await expect(page.getByRole('heading', { name: 'No conflicts' })).toBeVisible();
  expect(await readFile(gantry, project, 'README.md')).toContain('Ferries and their timetables.');
});

const stand = 'tests/fake_mcp_server.py';

/** Gives a project a tool of an MCP server, for whose tests the generator writes a stand-in; or takes it away. */
async function withMcpTool(gantry, project, isThere) {
  const now = await gantry.api('GET', `/projects/${project.id}`);
  const { tools = [], agents } = now.spec;
  const tool = { id: 'look_up', description: 'Looks something up.', parameters: { type: 'object', properties: {} }, effect: 'read', timeoutMs: 10000, kind: 'mcp', command: ['lookup-server'], tool: 'look_up' };
  const [first, ...others] = agents;
  const rest = (first.tools ?? []).filter((id) => id !== tool.id);
  const spec = {
    ...now.spec,
    // A single answer is given without tools.
    target: { ...now.spec.target, pattern: 'react' },
    tools: [...tools.filter(({ id }) => id !== tool.id), ...(isThere ? [tool] : [])],
    agents: [{ ...first, tools: [...rest, ...(isThere ? [tool.id] : [])] }, ...others],
  };
  return gantry.api('PUT', `/projects/${project.id}/spec`, { spec, expectedRevision: now.revision });
}

test('a file of yours where the generator begins to write one waits with both', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about anchors.', 'anchors');
  await writeFile(gantry, project, stand, '# Mine.\nprint("mine")\n');
  await withMcpTool(gantry, project, true);
  await page.goto(`/projects/anchors/conflicts?path=${stand}`);
  await settled(page);
  await expect(page.getByRole('navigation', { name: 'Files in conflict' }).getByRole('link', { name: /fake_mcp_server\.py.*Both added it/ })).toBeVisible();
  await expect(page.getByText('You added this file, and the generator now writes one of its own.')).toBeVisible();
  const editor = editorOf(page, stand);
  await expect(editor).toHaveValue(/<<<<<<< yours\n# Mine\.[^]*=======[^]*>>>>>>> generated/);
  await lookOver(page, 'files-conflict-added');
  await page.getByRole('button', { name: "Take the generator's" }).click();
  await expect(page.getByRole('heading', { name: 'No conflicts' })).toBeVisible();
  const text = await readFile(gantry, project, stand);
  expect(text).not.toContain('# Mine.');
  expect(text).not.toContain('<<<<<<<');
  const listed = await gantry.api('GET', `/projects/${project.id}/files`);
  expect(listed.items.find((file) => file.path === stand).origin).toBe('generated');
});

test('a file that you changed and nobody generates any more waits, and is kept or removed', async ({ page, gantry }) => {
  for (const [name, button, isKept] of [['capstans', 'Keep it as yours', true], ['davits', 'Remove it', false]]) {
    const project = await gantry.project(`Answer questions about ${name}.`, name);
    await withMcpTool(gantry, project, true);
    await writeFile(gantry, project, stand, `${await readFile(gantry, project, stand)}\n# Mine too.\n`);
    await withMcpTool(gantry, project, false);
    await page.goto(`/projects/${name}/conflicts?path=${stand}`);
    await settled(page);
    await expect(page.getByText('You changed this file, and the generator does not write it any more: the project works without it.')).toBeVisible();
    await expect(page.getByRole('region', { name: `Content of ${stand}` })).toContainText('# Mine too.');
    if (isKept) await lookOver(page, 'files-conflict-no-longer-generated');
    await page.getByRole('button', { name: button }).click();
    await expect(page.getByRole('heading', { name: 'No conflicts' })).toBeVisible();
    const listed = await gantry.api('GET', `/projects/${project.id}/files`);
    expect(listed.items.find((file) => file.path === stand)?.origin).toBe(isKept ? 'yours' : undefined);
  }
});

test('a project is checked, and what is wrong leads to the file', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about bollards.', 'bollards');
  await page.goto('/projects/bollards/files');
  await settled(page);
  await headOf(page).getByRole('link', { name: 'Checks' }).click();
  await expect(page).toHaveURL(/\/projects\/bollards\/checks$/);
  await settled(page);
  await expect(page.getByText('The project is sound.')).toBeVisible();
  await expect(page.locator('[data-check]')).toHaveCount(5);
  await lookOver(page, 'files-checks');

  await writeFile(gantry, project, 'src/bollards/rope.py', 'def tie(:\n    pass\n');
  await page.getByRole('button', { name: 'Check again' }).click();
  await expect(page.getByText('The project is not sound.')).toBeVisible();
  const syntax = page.locator('[data-check="Syntax"]');
  await expect(syntax).toContainText('Failed');
  await lookOver(page, 'files-checks-failed');
  await syntax.getByRole('link', { name: 'src/bollards/rope.py:1' }).click();
  await expect(page.getByRole('region', { name: 'Content of src/bollards/rope.py' })).toContainText('def tie(:');
});

test('a revision is looked at, compared and restored', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about bridges.', 'bridges');
  await writeFile(gantry, project, 'notes/span.md', 'The longest span.\n');
  await describe(gantry, project, 'Bridges, from plank to cable.');
  await page.goto('/projects/bridges/revisions');
  await settled(page);
  const list = page.getByRole('complementary', { name: 'Revisions' });
  await expect(list.getByRole('listitem')).toHaveCount(3);
  await expect(list.getByRole('link').first()).toContainText('The spec was changed');
  await lookOver(page, 'files-revisions');
  await list.getByRole('link', { name: /notes\/span\.md was added/ }).click();
  await expect(page).toHaveURL(/\/revisions\/2$/);
  await expect(page.getByRole('region', { name: 'Changes of notes/span.md' })).toContainText('The longest span.');
  await page.getByRole('navigation', { name: 'Compared with' }).getByRole('link', { name: 'What changed since' }).click();
  await expect(page.getByRole('region', { name: 'Changes of README.md' })).toContainText('Bridges, from plank to cable.');
  await lookOver(page, 'files-revision');
  await page.getByRole('link', { name: 'Its files' }).click();
  await expect(page).toHaveURL(/\/revisions\/2\/files$/);
  await rowOf(page, /span\.md/).click();
  await expect(page.getByRole('region', { name: 'Content of notes/span.md' })).toContainText('The longest span.');
  await lookOver(page, 'files-of-revision');
  await page.goto('/projects/bridges/revisions/1');
  await settled(page);
  await page.getByRole('button', { name: 'Restore' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restore revision 1?' });
  await expectAccessible(page, 'restoring a revision');
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await expect(page.getByText('Revision 1 is back, as revision 4.')).toBeVisible();
  await expect(list.getByRole('link').first()).toContainText('Revision 1 was restored.');
  const files = await gantry.api('GET', `/projects/${project.id}/files`);
  expect(files.items.map((file) => file.path)).not.toContain('notes/span.md');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('Revision 3 is back, as revision 5.')).toBeVisible();
  expect(await readFile(gantry, project, 'notes/span.md')).toBe('The longest span.\n');
});

test('a new file is written, indented by keys, and nothing typed is lost on the way', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about locks.', 'sluices');
  await page.goto('/projects/sluices/files');
  await settled(page);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New file' });
  await dialog.getByLabel('Path').fill('../outside.py');
  await expect(dialog.getByText('. and .. are none.')).toBeVisible();
  await lookOver(page, 'files-new');
  await dialog.getByLabel('Path').fill('src/helpers.py');
  await page.keyboard.press('Enter');
  const editor = editorOf(page, 'src/helpers.py');
  await expect(editor).toBeFocused();
  await page.keyboard.type('def depth():');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('metres = 4');
  await page.keyboard.press('Enter');
  await page.keyboard.type('return metres');
  await expect(editor).toHaveValue('def depth():\n    metres = 4\n    return metres');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Tab');
  await expect(editor).toHaveValue('    def depth():\n        metres = 4\n        return metres');
  await page.keyboard.press('Shift+Tab');
  await expect(editor).toHaveValue('def depth():\n    metres = 4\n    return metres');
  // Esc, then Tab, leaves the text.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(editor).not.toBeFocused();

  // To another file, to another page, and through a reload.
  await expect(rowOf(page, /helpers\.py.*Not saved.*New/)).toBeVisible();
  await rowOf(page, /^Dockerfile/).click();
  await expect(page.getByRole('region', { name: 'Content of Dockerfile' })).toBeVisible();
  await page.getByRole('link', { name: 'Builds' }).click();
  await expect(page.getByText('The text of a file is not saved.')).toBeVisible();
  await page.getByRole('link', { name: 'Files', exact: true }).click();
  await rowOf(page, /helpers\.py/).click();
  await expect(editor).toHaveValue('def depth():\n    metres = 4\n    return metres');
  let asked = 0;
  page.on('dialog', async (warning) => {
    asked += 1;
    expect(warning.type()).toBe('beforeunload');
    await warning.accept();
  });
  await page.reload();
  expect(asked, 'the browser asks before text is left behind').toBe(1);
  await expect(editor).toHaveValue('def depth():\n    metres = 4\n    return metres');
  await page.getByRole('button', { name: 'Create file' }).click();
  await expect(page.getByText('Saved as revision 2')).toBeVisible();
  await expect(rowOf(page, /helpers\.py.*Yours/)).toBeVisible();
  expect(await readFile(gantry, project, 'src/helpers.py')).toBe('def depth():\n    metres = 4\n    return metres');
  await page.reload();
  expect(asked, 'nothing is left to ask about').toBe(1);
});

test('what somebody else wrote meanwhile is said, and the text is kept', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about buoys.', 'buoys');
  await page.goto('/projects/buoys/files/README.md?edit');
  const editor = editorOf(page, 'README.md');
  await editor.fill('Mine.\n');
  // Another file: nothing is at odds, and nobody is bothered.
  await writeFile(gantry, project, 'other.md', 'Theirs.\n');
  await page.keyboard.press('Control+s');
  await expect(page.getByText('Saved as revision 3')).toBeVisible();
  // The same file.
  await editor.fill('Mine again.\n');
  await writeFile(gantry, project, 'README.md', 'Theirs.\n');
  await page.keyboard.press('Control+s');
  const notice = page.getByRole('alert').filter({ hasText: 'This file was changed since you opened it.' });
  await expect(notice).toBeVisible();
  await expect(editor).toHaveValue('Mine again.\n');
  await lookOver(page, 'files-outdated');
  await notice.getByRole('button', { name: 'Keep my text' }).click();
  await expect(notice).toBeHidden();
  await page.keyboard.press('Control+s');
  await expect(page.getByText('Saved as revision 5')).toBeVisible();
  expect(await readFile(gantry, project, 'README.md')).toBe('Mine again.\n');
  await editor.fill('Mine a third time.\n');
  await writeFile(gantry, project, 'README.md', 'Theirs at last.\n');
  await page.keyboard.press('Control+s');
  await notice.getByRole('button', { name: 'Reload, and lose my text' }).click();
  await expect(editor).toHaveValue('Theirs at last.\n');
});

test('the spec is edited as a file, and a fault in it is said', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about quays.', 'quays');
  await page.goto('/projects/quays/files/agent.gantry.yaml?edit');
  const editor = editorOf(page, 'agent.gantry.yaml');
  const before = await editor.inputValue();
  await editor.fill('metadata: [');
  await page.keyboard.press('Control+s');
  await expect(page.getByRole('alert').filter({ hasText: /\w/ }).first()).toBeVisible();
  await lookOver(page, 'files-spec-fault');
  await editor.fill(before.replace('name: quays', 'name: old-quays'));
  await page.keyboard.press('Control+s');
  await expect(page).toHaveURL(/\/projects\/old-quays\/files\/agent\.gantry\.yaml/);
  await expect(page.getByRole('heading', { name: 'old-quays', level: 1 })).toBeVisible();
  expect((await gantry.api('GET', `/projects/${project.id}`)).name).toBe('old-quays');
});

test('the tree is walked with the arrow keys and filtered', async ({ page, gantry }) => {
  await gantry.project('Answer questions about piers.', 'piers');
  await page.goto('/projects/piers/files');
  await settled(page);
  const folder = rowOf(page, 'src');
  await folder.focus();
  await expect(folder).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('ArrowLeft');
  await expect(folder).toHaveAttribute('aria-expanded', 'false');
  await expect(folder).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(folder).not.toBeFocused();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/files\/.+/);
  await expect(treeOf(page).locator('[aria-current="page"]')).toHaveCount(1);
  await page.keyboard.press('/');
  await page.keyboard.type('DOCKER');
  await expect(treeOf(page).getByRole('treeitem')).toHaveCount(await treeOf(page).getByRole('treeitem', { name: /docker/i }).count());
  await expectAccessible(page, 'a filtered tree');
  await page.keyboard.press('Escape');
  await expect(folder).toBeVisible();
});

test('long files and large changes are shown in parts', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about moorings.', 'moorings');
  const long = Array.from({ length: 40_000 }, (_, line) => `rope_${line} = ${line}`).join('\n');
  await writeFile(gantry, project, 'long.py', long);
  const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
  // How long the page did not react at a stretch: what the browser itself calls a long task. It is told and not
  // judged: other work on the machine counts in it.
  await page.addInitScript(() => {
    window.frozen_ = 0;
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) window.frozen_ = Math.max(window.frozen_, task.duration);
    }).observe({ type: 'longtask' });
  });
  const frozen = async (what) => {
    const longest = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
      resolve(window.frozen_);
      window.frozen_ = 0;
    }))));
    console.log(`${what}: the longest task took ${longest} ms`);
  };
  await page.goto('/projects/moorings/files');
  await settled(page);
  await frozen('opening the files');
  let begin = Date.now();
  await rowOf(page, /^long\.py/).click();
  await expect(page.getByText('The first 4000 of 40000 lines are shown.')).toBeVisible();
  console.log(`a file of 40 000 lines is shown after ${Date.now() - begin} ms with ${await nodes()} elements`);
  await frozen('a file of 40 000 lines');
  begin = Date.now();
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const editor = editorOf(page, 'long.py');
  await expect(editor).toBeFocused();
  console.log(`and in the editor after ${Date.now() - begin} ms with ${await nodes()} elements`);
  expect(await nodes()).toBeLessThan(2_000);
  await page.keyboard.press('Control+End');
  await expect(page.locator('.code-editor-gutter')).toContainText('40000');
  begin = Date.now();
  await page.keyboard.type('# twenty keys typed');
  console.log(`twenty keys took ${Date.now() - begin} ms`);
  await frozen('writing in it');
  await page.goto('/projects/moorings/revisions/2');
  await settled(page);
  const toggle = page.getByRole('button', { name: /long\.py/ });
  await expect(toggle).toHaveAttribute('aria-expanded', 'false');
  begin = Date.now();
  await toggle.click();
  await expect(page.getByText('Only the first 2 000 lines are shown here.')).toBeVisible();
  await frozen('2 000 changed lines');
  console.log(`2 000 changed lines are shown after ${Date.now() - begin} ms with ${await nodes()} elements`);
});

test('what regenerating would change is shown before it is done', async ({ page, gantry }) => {
  const project = await gantry.project('Answer questions about beacons.', 'beacons');
  await page.goto('/projects/beacons/files');
  await settled(page);
  // This version writes what it wrote; what a later one would answer is put in its place.
  await page.route('**/regeneration', (route) =>
    route.fulfill({
      json: {
        changed: true,
        conflicts: [{ path: 'src/beacons/server.py', kind: 'text' }],
        diff: {
          from: 1,
          to: 2,
          files: [
            { path: 'Dockerfile', change: 'changed', addedLines: 1, removedLines: 1, truncated: false, hunks: [{ fromLine: 1, toLine: 1, lines: [{ kind: 'removed', text: 'FROM python:3.12' }, { kind: 'added', text: 'FROM python:3.13' }, { kind: 'context', text: '' }] }] },
            { path: 'src/beacons/server.py', change: 'changed', addedLines: 5, removedLines: 0, truncated: false, hunks: [{ fromLine: 3, toLine: 3, lines: [{ kind: 'context', text: 'import json' }, { kind: 'added', text: '<<<<<<< yours' }, { kind: 'added', text: 'import os' }, { kind: 'added', text: '=======' }, { kind: 'added', text: 'import sys' }, { kind: 'added', text: '>>>>>>> generated' }] }] },
          ],
        },
      },
    }),
  );
  await page.getByRole('button', { name: 'Regenerate' }).click();
  const dialog = page.getByRole('dialog', { name: 'Regenerate the files' });
  await expect(dialog.getByText('FROM python:3.13')).toBeVisible();
  await expect(dialog.getByText('they will wait for your decision')).toBeVisible();
  await lookOver(page, 'files-regenerate');
  await page.unroute('**/regeneration');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await gantry.api('GET', `/projects/${project.id}`)).revision).toBe(1);
});
