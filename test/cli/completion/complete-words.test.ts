import { describe, expect, it } from 'vitest'
import { readCommandList } from '../../../src/cli/completion/command-list.ts'
import { completeWords } from '../../../src/cli/completion/complete-words.ts'
import type { CommandSource, FlagSource } from '../../../src/cli/help/command-help.ts'
import type { Completion, CompletionSources } from '../../../src/cli/completion/completion.ts'

type Flags = Record<string, FlagSource>

const flag = (name: string, more: Partial<FlagSource> = {}): Flags => ({
  [name]: { type: 'boolean', ...more },
})
const valued = (name: string, more: Partial<FlagSource> = {}): Flags =>
  flag(name, { type: 'option', ...more })
const global = {
  ...valued('output', { char: 'o', options: ['text', 'json'] }),
  ...flag('json'),
  ...flag('quiet', { char: 'q', exclusive: ['verbose'] }),
  ...flag('verbose'),
  ...flag('color', { allowNo: true }),
  ...valued('config'),
}

const described: Record<string, Partial<CommandSource> & { readonly flags: Flags }> = {
  promote: {
    summary: 'Promote images.',
    flags: {
      ...global,
      ...valued('from'),
      ...valued('to'),
      ...valued('output', { char: 'o', options: ['text', 'json', 'name'] }),
      ...valued('report', { multiple: true }),
      ...valued('override-gate', { multiple: true }),
      ...flag('secret', { hidden: true }),
    },
  },
  copy: { summary: 'Copy an image.', flags: global },
  'config:init': { flags: { ...global, ...valued('gates') } },
  ls: { flags: global },
  inspect: { flags: global },
  prune: { flags: { ...global, ...valued('policy') } },
  rollback: {
    flags: { ...global, ...valued('env'), ...valued('to'), ...valued('variant') },
  },
  status: { flags: { ...global, ...valued('env', { multiple: true }) } },
  tag: {
    flags: {
      ...global,
      ...valued('semver'),
      ...valued('env'),
      ...valued('variant'),
      ...valued('ignore-versions'),
    },
  },
  apply: { flags: global },
  check: { flags: global },
  approve: { flags: global },
  hold: { flags: global },
  serve: { flags: global },
  'audit:log': {
    summary: 'Show the log.',
    flags: { ...global, ...valued('result', { options: ['done', 'failed'], multiple: true }) },
  },
  'audit:verify': { flags: global },
  completion: { flags: global, args: { shell: { options: ['bash', 'zsh'] } } },
  help: { flags: {} },
}

const commands = readCommandList(
  Object.entries(described).map(([id, command]) => ({ args: {}, ...command, id })),
)

/** Sources with fixed names. `asked` has the lists of tags that were asked for. */
function sources(): CompletionSources & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    names: async () => ({
      environments: ['staging', 'prod'],
      images: ['api', 'web'],
      policies: ['nightly'],
      syncRules: [],
      hosts: ['registry.example.com'],
      repositories: ['registry.example.com/staging/api'],
      variants: ['alpine', 'slim'],
      gates: ['signed', 'scan'],
    }),
    tags: async (image, environments) => {
      asked.push([image, ...environments].join(' '))
      return ['2.0.0', '1.4.2', '1.4.1', 'main']
    },
  }
}

async function complete(line: string, from: CompletionSources = sources()): Promise<Completion> {
  const words = line.split(' ')
  return await completeWords({ before: words.slice(0, -1), current: words.at(-1) ?? '' }, commands, from)
}

async function values(line: string): Promise<readonly string[]> {
  return (await complete(line)).candidates.map(({ value }) => value)
}

describe('the words of a command line', () => {
  it.each([
    ['pro', 'promote'],
    ['audit ', 'log verify'],
    ['audit v', 'verify'],
    ['--json sta', 'status'],
    ['--config dray.yaml sta', 'status'],
    // Other names are offered for their first letters.
    ['cp', 'cp'],
    ['list --col', '--color'],
    ['ver', 'version'],
    ['help au', 'audit'],
    ['help audit ', 'log verify'],
    ['nothing ', ''],
  ])('complete the command in "%s" to "%s"', async (line, expected) => {
    expect((await values(line)).join(' ')).toBe(expected)
  })

  it('do not list other names of a command', async () => {
    const all = await values('')
    expect(all).toContain('promote')
    expect(all).not.toContain('cp')
  })

  it.each([
    ['promote --fr', '--from'],
    ['promote --no', '--no-color'],
    ['promote -o', '-o'],
    ['promote --json --js', ''],
    ['promote -q --verb', ''],
    ['promote --verbose --qui', ''],
    ['promote --no-color --col', ''],
    ['promote --report dotenv=a --rep', '--report'],
    ['promote --secr', ''],
    ['promote -- --fr', ''],
    ['promote --he', '--help'],
    ['--ver', '--verbose --version'],
  ])('complete the flag in "%s" to "%s"', async (line, expected) => {
    expect((await values(line)).join(' ')).toBe(expected)
  })

  it.each([
    ['promote --output ', 'text json name'],
    // Before the command, only the values of every command.
    ['--output ', 'text json'],
    ['promote -o j', 'json'],
    ['promote --output=', '--output=text --output=json --output=name'],
    ['promote --from ', 'staging prod'],
    ['promote --to=p', '--to=prod'],
    ['rollback --env @s', '@staging'],
    ['status --env staging --env ', 'prod'],
    ['audit log --result done --result ', 'failed'],
    ['prune --policy ', 'nightly'],
    ['promote --override-gate ', 'signed scan'],
    ['config init --gates ', 'signature scan sbom soak approvals none'],
    ['config init --gates scan,s', 'scan,signature scan,sbom scan,soak'],
    ['tag api --semver ', 'exact minor major latest'],
    ['tag api --semver exact,m', 'exact,minor exact,major'],
    ['tag api --variant ', 'alpine slim'],
    ['tag api --env prod --ignore-versions ', '2.0.0 1.4.2 1.4.1 main'],
    ['rollback api --variant s', 'slim'],
    ['promote --report ', 'dotenv= dir= summary='],
    ['promote --report d', 'dotenv= dir='],
    ['completion z', 'zsh'],
    ['rollback api --env prod --to 1.', '1.4.2 1.4.1'],
    ['rollback api --env prod --to ', '2.0.0 1.4.2 1.4.1'],
  ])('complete the value in "%s" to "%s"', async (line, expected) => {
    expect((await values(line)).join(' ')).toBe(expected)
  })

  it.each([
    ['promote ', 'api web @staging @staging/ @prod @prod/'],
    ['promote a', 'api'],
    ['promote api w', 'web'],
    ['promote @s', '@staging @staging/'],
    ['promote @staging/', '@staging/api @staging/web'],
    ['inspect @s', '@staging/'],
    ['prune ', '@staging @staging/ @prod @prod/'],
    ['promote api:1.4', 'api:1.4.2 api:1.4.1'],
    ['check @s', '@staging @staging/'],
    ['check api:1.4', 'api:1.4.2 api:1.4.1'],
    ['approve ', 'api web @staging/ @prod/'],
    ['hold @staging/', '@staging/api @staging/web'],
    ['inspect @staging/api:', '@staging/api:2.0.0 @staging/api:1.4.2 @staging/api:1.4.1 @staging/api:main'],
    ['inspect registry.example.com', 'registry.example.com/staging/api'],
    ['inspect registry.example.com:5000/api:2', 'registry.example.com:5000/api:2.0.0'],
    ['status api ', 'web'],
    // A command without tags, a port, and the digest of an image.
    ['ls @staging/api:', ''],
    ['inspect localhost:50', ''],
    ['inspect @staging/api@sha256:', ''],
  ])('complete the image in "%s" to "%s"', async (line, expected) => {
    expect((await values(line)).join(' ')).toBe(expected)
  })

  it.each([
    ['apply ', 'files'],
    ['promote --config ', 'files'],
    ['promote --config=a', 'files'],
    ['promote --report dotenv=', 'files'],
    ['promote --report summary=', 'files'],
    ['promote --report dir=', 'folders'],
    ['serve ', 'folders'],
    ['inspect oci:./', 'folders'],
  ])('leave "%s" to the %s of the shell', async (line, paths) => {
    expect(await complete(line)).toEqual({ candidates: [], paths })
  })

  it.each([
    ['promote --from staging api:', 'api staging'],
    ['promote --to prod api:', 'api staging'],
    ['promote api:', 'api staging prod'],
    ['rollback api --env @prod --to ', 'api prod'],
  ])('read the tags of the environments in "%s"', async (line, expected) => {
    const from = sources()
    await complete(line, from)
    expect(from.asked).toEqual([expected])
  })

  it('may go on after an image that can have a tag', async () => {
    expect((await complete('promote ap')).canContinue).toBe(true)
    expect((await complete('promote api:1')).canContinue ?? false).toBe(false)
  })

  it('complete at most a hundred tags', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => `1.0.${i}`)
    const from = { ...sources(), tags: async () => many }
    expect((await complete('promote api:', from)).candidates).toHaveLength(100)
  })
})
