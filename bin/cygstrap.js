#!/usr/bin/env node
import { runProcess } from '../dist/program/main.js';
void runProcess(process);
