import { readFileSync } from 'node:fs'

/**
 * Whether GitHub passes no secrets to the run, because it belongs to a pull request from a fork or
 * to a change by Dependabot (GitHub, Using secrets in GitHub Actions). False if that is unknown.
 */
export function lacksSecrets(env: Readonly<Record<string, string | undefined>>): boolean {
  const { GITHUB_ACTOR: actor, GITHUB_EVENT_NAME: name = '', GITHUB_EVENT_PATH: file } = env
  if (actor === 'dependabot[bot]') return true
  // A run of pull_request_target belongs to the base repository, and has its secrets.
  return name.startsWith('pull_request') && name !== 'pull_request_target' && isFromFork(file)
}

interface PullRequestEvent {
  readonly pull_request?: { readonly head?: { readonly repo?: { readonly fork?: unknown } | null } }
}

function isFromFork(file: string | undefined): boolean {
  if (file === undefined) return false
  try {
    const event = JSON.parse(readFileSync(file, 'utf8')) as PullRequestEvent | null
    // The repository of the head is null if it was deleted.
    const repo = event?.pull_request?.head?.repo
    return repo === null || repo?.fork === true
  } catch {
    return false
  }
}
