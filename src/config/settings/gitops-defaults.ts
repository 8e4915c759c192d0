import type { Path } from '../key-path.ts'
import type { WrittenConfig } from '../schema/schema.ts'

/** The effective values of the keys about deployment files that have a default. */
export function* gitopsDefaults({
  environments = {},
}: WrittenConfig): Generator<readonly [path: Path, value: unknown]> {
  for (const [name, { gitops }] of Object.entries(environments)) {
    const path = ['environments', name]
    for (const i of gitops?.keys() ?? []) yield [[...path, 'gitops', i, 'write'], 'both']
    if (gitops === undefined) continue
    yield [[...path, 'git', 'branch'], null]
    yield [[...path, 'git', 'message'], 'Deploy {image} {version} to {env}']
    yield [[...path, 'git', 'pullRequest'], false]
  }
}
