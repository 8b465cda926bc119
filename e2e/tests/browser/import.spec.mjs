// Importing a project in the interface: its dialog is loaded when it is opened, what cannot be kept is shown
// before anything is made, and nothing is made when it is closed.
import { expect, lookOver, settled, test } from '../../support/browser.mjs';

const code = `
from agents import Agent, Runner, WebSearchTool, function_tool

@function_tool
def tide(harbour: str) -> str:
    """The next high tide of a harbour."""
    return f"{harbour}: at six"

pilot = Agent(name="Pilot", instructions="Say when the tide is high.", tools=[tide, WebSearchTool()])
print(Runner.run_sync(pilot, "When?").final_output)
`;

/** The dialog, opened from the list. */
async function opened(page) {
  await page.goto('/projects');
  await settled(page);
  await page.getByRole('button', { name: 'Import' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Import a project' });
  await expect(dialog).toBeVisible();
  return dialog;
}

const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

test('code is read, what is left out is told, and the project is made', async ({ page, gantry }) => {
  const dialog = await opened(page);
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file('pilot.py', code));
  await dialog.getByRole('button', { name: 'Read it' }).click();
  await expect(dialog).toContainText('Read as OpenAI Agents SDK');
  await expect(dialog).toContainText('WebSearchTool');
  await lookOver(page, 'import-outcome');
  await dialog.getByLabel('Name').fill('Not A Name');
  await expect(dialog.getByRole('button', { name: 'Create project' })).toBeDisabled();
  await dialog.getByLabel('Name').fill('harbour-pilot');
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await expect(page.getByRole('heading', { name: 'harbour-pilot', level: 1 })).toBeVisible();
  const { spec } = await gantry.api('GET', '/projects/harbour-pilot');
  expect(spec.agents[0].instructions).toBe('Say when the tide is high.');
  expect(spec.tools.map((tool) => tool.id)).toEqual(['tide']);
});

test('what cannot be read is said, and closing makes nothing', async ({ page, gantry }) => {
  const before = (await gantry.api('GET', '/projects')).items.length;
  const dialog = await opened(page);
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file('nothing.py', 'print("no agent here")\n'));
  await dialog.getByRole('button', { name: 'Read it' }).click();
  await expect(dialog.getByRole('alert')).toContainText('none of them was found');
  await lookOver(page, 'import-refused');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  // The second opening begins anew.
  await page.getByRole('button', { name: 'Import' }).first().click();
  await expect(dialog.getByRole('alert')).toBeHidden();
  await dialog.getByRole('button', { name: 'Git repository' }).click();
  await dialog.getByLabel('Address').fill('file:///etc');
  await dialog.getByRole('button', { name: 'Read it' }).click();
  await expect(dialog).toContainText('https');
  expect((await gantry.api('GET', '/projects')).items.length).toBe(before);
});
