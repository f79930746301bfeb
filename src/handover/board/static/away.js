// Unlocking while the server cannot be reached. Only a screen that was locked without a network keeps anything: what it
// showed, sealed under a key that is made of its officer's password (PBKDF2, AES-GCM). It is in memory and nowhere else.

import { draftsKey, goOffline } from './session.js';
import { restore, snapshot } from './desk.js';

const ROUNDS = 310000;
const able = Boolean(window.crypto && crypto.subtle);
let door = null; // {name, salt, key} of whoever is at this screen
let sealed = null; // {name, salt, iv, bytes} of whoever locked it

async function keyFrom(password, salt) {
  const raw = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ROUNDS }, raw, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

// At every login: the password itself is not kept.
export async function meet(name, password) {
  sealed = null;
  door = null;
  if (!able) return;
  const salt = crypto.getRandomValues(new Uint8Array(16));
  door = { name, salt, key: await keyFrom(password, salt) };
}

// At a lock without a network.
export async function close(offline) {
  const at = door;
  door = null;
  if (!at || !offline) return;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const said = new TextEncoder().encode(JSON.stringify({ key: draftsKey(), desk: snapshot() }));
  const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, at.key, said);
  sealed = { name: at.name, salt: at.salt, iv, bytes };
}

// Answers whether this opens the screen; the login is made up for as soon as the server is back.
export async function open(name, password) {
  if (!sealed || sealed.name !== name) return false;
  const key = await keyFrom(password, sealed.salt);
  try {
    const said = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv }, key, sealed.bytes);
    const kept = JSON.parse(new TextDecoder().decode(said));
    door = { name, salt: sealed.salt, key };
    goOffline(name, password, kept.key);
    restore(kept.desk);
    return true;
  } catch (wrong) {
    await new Promise((done) => setTimeout(done, 1000));
    return false;
  }
}

export const keeps = (name) => Boolean(sealed && sealed.name === name);
