// What runs asked of models, on the page of the model providers.
import { expect, lookOver, settled, test } from '../../support/browser.mjs';
import { answeringModel } from '../../support/peers.mjs';

test('what a run used is in the chart and in the sums of its project', async ({ page, gantry }) => {
  const model = await answeringModel(['Twelve.'], 0, { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 });
  try {
    const project = await gantry.project('Answer questions about bills.', 'metered');
    const provider = await gantry.api('POST', '/providers', { name: 'metering', baseUrl: model.url, defaultModel: 'priced-1', inputPriceMicros: 3_000_000, outputPriceMicros: 10_000_000 });
    const { jobId } = await gantry.api('POST', `/projects/${project.id}/runs`, { input: 'How much?', mode: 'dev', providerId: provider.id });
    expect((await gantry.ended(jobId)).state).toBe('done');

    await page.goto('/settings/providers');
    await settled(page);
    const usage = page.getByRole('region', { name: 'Usage' });
    const row = usage.getByRole('row', { name: /metered/ });
    await expect(row).toContainText('priced-1 at metering');
    await expect(row).toContainText('$0.008000');
    await usage.getByRole('button', { name: 'Tokens' }).click();
    await expect(usage.getByRole('img')).toHaveAccessibleName(/ tokens from /);
    await usage.getByRole('button', { name: '7 days' }).click();
    await expect(usage.getByRole('button', { name: '7 days' })).toHaveAttribute('aria-pressed', 'true');
    await expect(row).toBeVisible();
    await lookOver(page, 'usage');
    // Its name leads to the project.
    await row.getByRole('link', { name: 'metered' }).click();
    await expect(page.getByRole('heading', { name: 'metered', level: 1 })).toBeVisible();
    await gantry.api('DELETE', `/providers/${provider.id}`);
  } finally {
    await model.close();
  }
});
