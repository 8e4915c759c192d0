import type { Actor } from '../log/record.ts'
import { cutName } from './bounds.ts'

/** The same actor has the same name: a CI user need not be the OS user of that name. */
export function actorName({ user, ci }: Actor): string {
  if (ci === undefined) return cutName(user)
  return cutName(`${ci.user ?? ci.repository ?? user} (${ci.service})`)
}

/** A value that `dray audit log --actor` finds the actor by. */
export function actorToFilter({ user, ci }: Actor): string {
  return ci?.user ?? user
}

/** A CI job by its service, repository and name. Its run and machine are new each time. */
export function workflowOf({ ci }: Actor): string | undefined {
  if (ci === undefined) return undefined
  return cutName([ci.service, ci.repository, ci.job].filter((one) => one !== undefined).join(' '))
}

/**
 * The machine. Each container of Docker, and each pod of a Kubernetes CronJob, Job or Deployment,
 * has a new host name: they are one host.
 */
export function hostOf({ host, ci }: Actor): string | undefined {
  if (ci !== undefined) return undefined
  if (/^[0-9a-f]{12}$/.test(host)) return 'a container'
  const ofJob = /^(.+?)(?:-\d{8,10})?-[a-z0-9]{5}$/.exec(host)
  const ofDeployment = /^(.+)-[0-9a-f]{8,10}-[a-z0-9]{5}$/.exec(host)
  const pods = isGenerated(host) ? (ofDeployment ?? ofJob)?.[1] : undefined
  return cutName(pods === undefined ? host : `${pods}-*`)
}

/** Kubernetes makes suffixes of five characters without vowels and without 0, 1 and 3. */
function isGenerated(host: string): boolean {
  return /-[bcdfghjklmnpqrstvwxz2456789]{5}$/.test(host)
}
