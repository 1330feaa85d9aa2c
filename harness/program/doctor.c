#define _GNU_SOURCE
#include "program/room.h"
int doctor(FILE *out);
int doctor(FILE *out){fprintf(out,"%s\n",room_kind_name(room_kind()));return 0;}
