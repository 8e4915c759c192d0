import { expect, it } from 'vitest'
import { renderConfigSummary, summaryOf, warnAboutPolicies } from '../../../src/cli/setup/config-summary.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

function validate(retention: string): { readonly text: string; readonly warnings: readonly string[] } {
  const loaded = parseConfig(
    { file: '/p/dray.yaml', content: `version: 1\nretention:\n${retention}` },
    'dray.yaml',
  )
  const policies = retentionOf(loaded)
  const text = renderConfigSummary(summaryOf('/p/dray.yaml', loaded, { policies }), {
    style: plainStyle,
    width: undefined,
  })
  return { text, warnings: warnAboutPolicies(loaded, policies) }
}

it('config validate names the protections and rules that keep version-like tags', () => {
  const { text } = validate(`  protect:
    - { name: names, tags: [latest] }
    - { name: versions, semver: { range: ">=1.0.0" } }
  rules:
    - { name: highest, orderBy: version, keepNewest: 2 }
    - { name: old, tags: [x], olderThan: 1d }
`)
  expect(text.split('\n').slice(3)).toEqual([
    '  retention: 2 rules (highest, old), 2 protections',
    '  retention keeps version-like tags, because these read versions: versions, highest',
  ])
  expect(validate('  rules: [{ name: old, tags: [x], olderThan: 1d }]\n').text).not.toContain('version-like')
})

it('config validate warns about a hidden rule and a doubtful range with their positions', () => {
  const { warnings } = validate(`  protect: [{ semver: { range: ">=2022" } }]
  rules: [{ name: a, olderThan: 1d }, { name: b, tags: [x] }]
`)
  expect(warnings).toEqual([
    expect.stringMatching(/^dray\.yaml:4:39: retention\.rules\[1\]: it never decides, because/),
    expect.stringMatching(
      /^dray\.yaml:3:32: retention\.protect\[0\]\.semver\.range: no release is in ">=2022"/,
    ),
  ])
})
