// Operations of an OpenAPI document: pasted into the wizard, chosen, and tools of the project.
import { expect, lookOver, settled, test } from '../../support/browser.mjs';

const document = `openapi: 3.1.0
info: {title: Pet store, version: '2'}
servers: [{url: 'https://pets.example.com/v1'}]
security: [{key: []}]
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Api-Key}}
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      summary: One pet.
      parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
  /photos:
    post:
      operationId: addPhoto
      requestBody: {required: true, content: {image/png: {}}}
`;

test('operations are chosen, and those that cannot be tools say why', async ({ page, gantry }) => {
  test.setTimeout(120_000);
  await page.goto('/projects/new');
  await settled(page);
  await page.getByRole('textbox').first().fill('An agent that knows pets.');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.goto('/projects/new?step=tools');
  await page.getByRole('button', { name: 'Operations of an OpenAPI document' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('The document is').selectOption('text');
  await dialog.getByLabel('Document', { exact: true }).fill('swagger: "2.0"');
  await dialog.getByRole('button', { name: 'List its operations' }).click();
  await expect(dialog.getByRole('alert').filter({ hasText: 'Swagger 2.0' })).toBeVisible();
  await dialog.getByLabel('Document', { exact: true }).fill(document);
  await dialog.getByRole('button', { name: 'List its operations' }).click();
  await expect(dialog.getByText('describes 2 operations')).toBeVisible();
  await expect(dialog.getByRole('checkbox', { disabled: true })).toHaveCount(1);
  await expect(dialog.getByText('image/png')).toBeVisible();
  await dialog.getByRole('checkbox', { name: /get_pet/ }).check();
  await lookOver(page, 'openapi-operations');
  await dialog.getByRole('button', { name: 'Add 1 tool' }).click();
  await expect(dialog).toBeHidden();

  await page.getByRole('button', { name: 'Use the pattern react' }).click();
  await page.goto('/projects/new?step=review');
  await page.getByLabel('Name').fill('knows-pets');
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page).toHaveURL(/\/projects\/knows-pets$/);
  const project = await gantry.api('GET', '/projects/knows-pets');
  expect(project.spec.tools).toContainEqual(
    expect.objectContaining({
      id: 'get_pet', kind: 'http', method: 'GET', url: 'https://pets.example.com/v1/pets/{petId}', effect: 'network',
      headers: { 'X-Api-Key': 'PET_STORE_X_API_KEY' },
    }),
  );
});
