// Words in the reader's language: Chinese first, English beside. One dictionary file each; a test holds both to the
// same keys, and pages to having no words of their own.

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';

import type { Name } from '../api/types';
import { en } from './en';
import { zh } from './zh';

export type Lang = 'zh' | 'en';
export type Key = keyof typeof zh;
export type Words = Record<Key, string>;

const DICTIONARIES: Record<Lang, Words> = { zh, en };
const STORED = 'huiyin.lang';

/** What a text's `{places}` stand for. */
export type Params = Record<string, string | number>;

export interface I18n {
  lang: Lang;
  setLang: (lang: Lang) => void;
  /** A text of the dictionary. */
  t: (key: Key, params?: Params) => string;
  /** A text whose key is made as it runs, such as `state.running`; `other` where the dictionary has none. */
  word: (prefix: string, name: string | null | undefined, other?: string) => string;
  /** A name that the host gives in both languages. */
  name: (name: Name | string | null | undefined, other?: string) => string;
}

/** A text with its places filled. */
export function filled(text: string, params?: Params): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => (params && name in params ? String(params[name]) : place));
}

const Context = createContext<I18n | null>(null);

function firstLang(): Lang {
  const stored = localStorage.getItem(STORED);
  if (stored === 'zh' || stored === 'en') return stored;
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh';
}

export function make(lang: Lang, setLang: (lang: Lang) => void): I18n {
  const words = DICTIONARIES[lang];
  return {
    lang,
    setLang,
    t: (key, params) => filled(words[key], params),
    word: (prefix, name, other) => {
      if (name === null || name === undefined || name === '') return other ?? '';
      const found: string | undefined = words[`${prefix}.${name}` as Key];
      return found ?? other ?? name;
    },
    name: (name, other) => {
      if (!name) return other ?? '';
      if (typeof name === 'string') return name;
      return (lang === 'en' ? name.en : undefined) ?? name.zh;
    },
  };
}

export function I18nProvider({ children }: { children: ReactNode }) {
  const [lang, setLang] = useState<Lang>(firstLang);
  useEffect(() => {
    localStorage.setItem(STORED, lang);
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  }, [lang]);
  const value = useMemo(() => make(lang, setLang), [lang]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useI18n(): I18n {
  const value = useContext(Context);
  if (!value) throw new Error('no I18nProvider above');
  return value;
}
