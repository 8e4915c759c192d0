/** The scripts for regbot, which does in Lua what a retention policy of dray does. */
import { writeFile } from 'node:fs/promises'
import { tools } from '../../test/support/tools.ts'
import type { Invocation } from './process.ts'

export const regbotTool = tools('regbot')

/** How many scripts and requests regbot runs at once. */
export interface RegbotSpeed {
  readonly name: string
  readonly kind: 'peer' | 'tuned'
  /** Each script takes its share of the tags. */
  readonly scripts: number
}

export const regbotSpeeds: readonly RegbotSpeed[] = [
  { name: 'regbot', kind: 'peer', scripts: 1 },
  { name: 'regbot, 8 scripts', kind: 'tuned', scripts: 8 },
]

interface Repository {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly path: string
}

/** Counts the tags with a time, and those before a time. regbot logs `dated N, old M`. */
export async function datingScript(
  file: string,
  repository: Repository,
  before: Date,
  speed: RegbotSpeed,
): Promise<Invocation> {
  // Times in UTC with the same precision are in the order of their texts. The JSON of the config
  // is the same in all versions of regbot.
  return await regbot(file, repository, speed, {
    begin: 'local dated, old = 0, 0',
    each: `
  ref:tag(t)
  local created = tostring(image.config(ref)):match('"created":%s*"([^"]+)"')
  if created then
    dated = dated + 1
    if created < "${before.toISOString()}" then old = old + 1 end
  end`,
    end: 'log("dated " .. dated .. ", old " .. old)',
  })
}

/** Deletes the manifests of the tags that begin with a text, which has no special characters. */
export async function deletingScript(
  file: string,
  repository: Repository,
  begin: string,
  speed: RegbotSpeed,
): Promise<Invocation> {
  return await regbot(file, repository, speed, {
    begin: '',
    each: `
  if t:sub(1, ${begin.length}) == "${begin}" then
    ref:tag(t)
    manifest.head(ref):delete()
  end`,
    end: '',
  })
}

async function regbot(
  file: string,
  { host, path }: Repository,
  { scripts }: RegbotSpeed,
  lua: { readonly begin: string; readonly each: string; readonly end: string },
): Promise<Invocation> {
  const scriptOf = (share: number): string => `
${lua.begin}
local ref = reference.new("${host}/${path}")
for i, t in ipairs(tag.ls("${host}/${path}")) do
if i % ${scripts} == ${share} then${lua.each}
end
end
${lua.end}
`
  const configuration = {
    version: 1,
    creds: [{ registry: host, tls: 'disabled', ...(scripts > 1 && { reqConcurrent: 16 }) }],
    defaults: { parallel: scripts, timeout: '600s', skipDockerConfig: true },
    scripts: Array.from({ length: scripts }, (_, share) => ({
      name: `share ${share}`,
      script: scriptOf(share),
    })),
  }
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configuration))
  return { command: 'regbot', args: ['once', '--config', file] }
}

/** The numbers that the scripts of `datingScript` logged, in total. */
export function datedBy(output: string): { readonly dated: number; readonly old: number } {
  const logged = [...output.matchAll(/dated (\d+), old (\d+)/g)]
  const sum = (group: 1 | 2): number => logged.reduce((total, match) => total + Number(match[group]), 0)
  return { dated: sum(1), old: sum(2) }
}
